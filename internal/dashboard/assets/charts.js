/* global uPlot */
// What the client sees, over the last two minutes. Every chart has the same time axis, and
// on its floor the bands of both breakers, hand-rolled above gobreaker: so what happened,
// and what the breakers made of it, stand one above the other.

import { drawBand } from './band.js';
import { byId, el, set } from './dom.js';
import { engines, seconds } from './history.js';
import { term } from './terms.js';
import { colour, onTheme } from './theme.js';
import { clock, duration, none, percent, rate } from './units.js';

// window is what a point of a chart is the mean of.
const window = 2;
const bandHeight = 7;
const height = 150;
const podColours = ['a', 'b', 'c', 'd', 'e', 'f'];
const podDashes = [[], [8, 4], [2, 3], [10, 3, 2, 3]]; // no two pods are told apart by colour alone

// explained are the terms that a series' name is.
const explained = { 'of calls': 'success of calls', 'of attempts': 'success of attempts', 'offered by clients': 'offered', 'sent to flaky': 'sent', p50: 'p50', p99: 'p99' };

// A chart is a title, a unit, and series: [name, colour, dash, value of a difference].
const charts = [
  {
    id: 'chart-success', title: 'Success rate', range: [0, 100], unit: (v) => `${v}\u00a0%`, format: (v) => percent(v / 100),
    series: [
      ['of calls', 'a', [], (d) => (100 * d.succeeded) / d.calls],
      ['of attempts', 'b', [5, 4], (d) => (100 * d.answered) / d.ended],
    ],
  },
  {
    id: 'chart-load', title: 'Load', range: 'zero', unit: (v) => `${v}/s`, format: rate,
    series: [
      ['offered by clients', 'a', [], (d) => d.offered / d.dt],
      ['sent to flaky', 'b', [5, 4], (d) => d.sent / d.dt],
    ],
  },
  {
    id: 'chart-latency', title: 'Latency of calls', range: 'zero', unit: (v) => duration(v), format: duration,
    series: [['p50', 'a', [], (d) => d.p50], ['p99', 'b', [5, 4], (d) => d.p99]],
  },
  { id: 'chart-pods', title: 'Answers by pod', range: 'zero', unit: (v) => `${v}/s`, format: rate, series: [] },
];

export class Charts {
  #plots = [];

  constructor(history) {
    this.history = history;
    for (const chart of charts) this.#make(chart);
    new ResizeObserver(() => this.#resize()).observe(byId('charts'));
    onTheme(() => { // uPlot asks for colours once
      for (const p of this.#plots) this.#rebuild(p);
      this.draw();
    });
  }

  #make(chart) {
    const root = byId(chart.id);
    const plot = { chart, root, legend: el('ul', { className: 'legend' }), area: el('div', { className: 'plot', 'aria-hidden': 'true' }), series: chart.series };
    root.append(el('h3', {}, chart.title), plot.legend, plot.area);
    this.#plots.push(plot);
    this.#rebuild(plot);
  }

  #rebuild(plot) {
    plot.u?.destroy();
    const { chart, series } = plot;
    const axis = { stroke: colour('soft'), grid: { stroke: colour('line'), width: 1 }, ticks: { show: false }, font: '11px system-ui, sans-serif' };
    plot.u = new uPlot({
      width: plot.area.clientWidth || 300, height, legend: { show: false }, cursor: { sync: { key: 'time' }, points: { size: 6 }, drag: { x: false, y: false } },
      scales: { x: { time: true }, y: { range: (u, min, max) => range(chart, max) } },
      axes: [
        { ...axis, values: (u, ticks) => ticks.map((t) => clock(new Date(t * 1000))), space: 80, size: 22, gap: 3 },
        { ...axis, values: (u, ticks) => ticks.map((v) => (v < 0 || v > (chart.range[1] ?? Infinity) ? '' : chart.unit(v))), size: 52, gap: 4, space: 28 },
      ],
      series: [{}, ...series.map(([name, hue, dash]) => ({ label: name, stroke: colour(hue), width: 2, dash, spanGaps: false, points: { show: false } }))],
      padding: [6, 20, 0, 0],
      hooks: { draw: [(u) => this.#bands(u)], setCursor: [(u) => this.#point(plot, u.cursor.idx)] },
    }, plot.data ?? [[], ...series.map(() => [])], plot.area);
    plot.values = series.map(() => el('b', {}, none));
    plot.legend.replaceChildren(...series.map(([name, hue, dash], i) => el('li', { className: `hue-${hue}${dash.length ? ' dashed' : ''}` }, explained[name] ? term(explained[name], name) : name, ' ', plot.values[i])));
  }

  #resize() {
    for (const { u, area } of this.#plots) if (area.clientWidth && area.clientWidth !== u.width) u.setSize({ width: area.clientWidth, height });
  }

  #bands(u) {
    const end = this.history.now;
    if (Number.isNaN(end)) return;
    const ratio = devicePixelRatio || 1;
    const { left, top, width, height: h } = u.bbox;
    engines.forEach((engine, i) => drawBand(u.ctx, this.history.points(engine), end, {
      left, width, top: top + h - (engines.length - i) * (bandHeight + 1) * ratio, height: bandHeight * ratio,
    }));
  }

  // point shows the values under the cursor, or the latest ones.
  #point(plot, index) {
    const i = index ?? (plot.data?.[0].length ?? 0) - 1;
    plot.values?.forEach((value, s) => set(value, plot.chart.format(plot.data?.[s + 1]?.[i] ?? NaN)));
  }

  draw() {
    const steps = this.history.each(window);
    const times = steps.map((d) => d.t);
    const end = this.history.now;
    for (const plot of this.#plots) {
      if (plot.chart.id === 'chart-pods') this.#pods(plot, steps);
      plot.data = [times, ...plot.series.map(([, , , value]) => steps.map((d) => {
        const v = value(d);
        return Number.isFinite(v) ? v : null;
      }))];
      plot.u.batch(() => {
        plot.u.setData(plot.data, false);
        plot.u.setScale('x', { min: end - seconds, max: end });
      });
      this.#point(plot, plot.u.cursor.idx);
    }
  }

  // pods are series of their own, which come and go: the most answers first.
  #pods(plot, steps) {
    const totals = {};
    for (const d of steps) for (const [pod, n] of Object.entries(d.pods)) totals[pod] = (totals[pod] ?? 0) + n;
    const names = Object.keys(totals).filter((pod) => totals[pod] > 0).sort().slice(0, 12);
    if (names.join() === plot.series.map(([name]) => name).join()) return;
    plot.series = names.map((name, i) => [name, podColours[i % podColours.length], podDashes[i % podDashes.length], (d) => (d.pods[name] ?? 0) / d.dt]);
    plot.data = undefined;
    this.#rebuild(plot);
  }
}

function range(chart, max) {
  if (Array.isArray(chart.range)) return [chart.range[0] - 14, chart.range[1] + 2]; // room for the bands
  const top = max > 0 ? max * 1.1 : 1;
  return [-0.14 * top, top];
}
