// The memory of the page: which state a breaker was in, over the last two minutes. Each
// state has a shade, a height and a pattern, so that none is told by colour alone: closed is
// a low line, open a hatched bar, half-open a dotted one of half the height.

import { seconds } from './history.js';
import { colour } from './theme.js';

const styles = {
  closed: { height: 0.3, colour: 'good' },
  'half-open': { height: 0.65, colour: 'wait', pattern: dots },
  open: { height: 1, colour: 'bad', pattern: hatch },
};

// drawBand draws a history's points into a part of a canvas. At gives the x of a time.
export function drawBand(context, points, end, { left, top, width, height }) {
  const at = (t) => left + (width * (t - (end - seconds))) / seconds;
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  for (let i = 0; i < points.length;) {
    const [from, state] = points[i];
    let next = i + 1;
    while (next < points.length && points[next][1] === state) next++;
    const style = styles[state];
    if (style) {
      const x = at(from);
      const w = Math.max(1.5, at(points[next]?.[0] ?? end) - x); // a state that lasted milliseconds is seen, too
      const h = height * style.height;
      context.fillStyle = colour(style.colour);
      context.fillRect(x, top + height - h, w, h);
      style.pattern?.(context, x, top + height - h, w, h);
    }
    i = next;
  }
  context.restore();
}

function hatch(context, x, y, w, h) {
  context.save();
  context.beginPath();
  context.rect(x, y, w, h);
  context.clip();
  context.strokeStyle = colour('paper');
  context.lineWidth = Math.max(1, h / 16);
  context.beginPath();
  const step = h / 2.5;
  for (let i = Math.floor((x - h) / step) * step; i < x + w; i += step) { // fixed to the canvas, not to the bar
    context.moveTo(i, y + h);
    context.lineTo(i + h, y);
  }
  context.stroke();
  context.restore();
}

function dots(context, x, y, w, h) {
  context.fillStyle = colour('paper');
  const size = Math.max(1, h / 5);
  for (let i = x + size; i < x + w - size / 2; i += 2.5 * size) context.fillRect(i, y + (h - size) / 2, size, size);
}

// fit gives a canvas as many pixels as it covers on the screen. It returns what to draw with.
export function fit(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const ratio = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  const context = canvas.getContext('2d');
  context.clearRect(0, 0, w, h);
  return { context, area: { left: 0, top: 0, width: w, height: h } };
}
