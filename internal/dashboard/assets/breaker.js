// A breaker's panel: its state, why it is in it and what is missing to the next one, in the
// words of its own rules.

import { drawBand, fit } from './band.js';
import { attribute, byId, el, press, set } from './dom.js';
import { traceLink } from './trace.js';
import { clock, duration, percent } from './units.js';

const signs = { closed: '●', open: '✕', 'half-open': '◐' };
const names = { handrolled: 'hand-rolled', gobreaker: 'gobreaker' };
const modes = {
  auto: ['automatic', 'Automatic', 'It decides by itself.'],
  open: ['open', 'Open', 'Hold it open: every call is turned away.'],
  close: ['closed', 'Close', 'Hold it closed: no call is turned away, whatever fails.'],
  observe: ['observe', 'Observe', 'It counts and says when it would open, and turns nobody away.'],
};

// BreakerPanel draws one engine's breaker. Force is called with the mode that is asked for.
export class BreakerPanel {
  #until = NaN; // of the page's clock, when the state said that half-open would come

  constructor(engine, history, force) {
    this.engine = engine;
    this.history = history;
    this.panel = byId(engine);
    const buttons = Object.entries(modes).map(([mode, [, label, what]]) => el('button', {
      type: 'button', 'data-mode': mode, title: what, onclick: () => this.#force(force, modes[mode][0]),
    }, label));
    this.sign = el('span', { className: 'sign', 'aria-hidden': 'true' });
    this.word = el('span', { className: 'word' }, '…');
    this.countdown = el('span', { className: 'countdown', 'aria-hidden': 'true' });
    this.mode = el('span', { className: 'mode' });
    this.why = el('p', { className: 'why' });
    this.meters = el('div', { className: 'meters' });
    this.last = el('p', { className: 'last' });
    this.canvas = el('canvas', { role: 'img', 'aria-label': 'States over the last two minutes' });
    this.complaint = el('p', { className: 'error', role: 'alert', hidden: true });
    this.earlier = el('ol', { className: 'transitions', reversed: true });
    this.panel.append(
      el('p', { className: 'state' }, this.sign, el('span', { role: 'status' }, this.word), this.countdown, this.mode),
      this.why, this.meters,
      el('div', { className: 'band' }, this.canvas), el('p', { className: 'axis', 'aria-hidden': 'true' }, el('span', {}, '2 min ago'), el('span', {}, 'now')),
      this.last,
      el('div', { className: 'buttons', role: 'group', 'aria-label': `${names[engine]} breaker: who decides` }, ...buttons),
      this.complaint,
      el('details', {}, el('summary', {}, 'Earlier transitions'), this.earlier),
    );
    setInterval(() => this.#count(), 100);
  }

  // draw shows a state. A breaker that is not in the path is asked by no call.
  draw({ breaker: b }, asked) {
    attribute(this.panel, 'data-state', b.state);
    this.panel.classList.toggle('unasked', !asked);
    set(this.sign, signs[b.state] ?? '?');
    set(this.word, b.state.toUpperCase());
    for (const button of this.panel.querySelectorAll('[data-mode]')) press(button, modes[button.dataset.mode][0] === b.mode);
    set(this.mode, !asked ? 'not in the path' : b.mode === 'automatic' ? '' : b.mode === 'observe' ? 'only observes' : 'held by hand');
    this.#until = asked && b.state === 'open' && b.half_open_in_ms !== undefined ? performance.now() + b.half_open_in_ms : NaN;
    this.#count();
    set(this.why, asked ? b.why.replace(/^only observes; /, '').replace(/, probes in .*$/, this.#turnedAway(b)) : 'no call asks it'); // what is beside the state is not said twice
    this.#drawMeters(b);
    this.#drawLast(b.last_transition, b.mode === 'observe' ? this.history.would[this.engine] : undefined);
    this.drawBand();
  }

  // turnedAway counts since the breaker opened, if that is remembered.
  #turnedAway({ state, last_transition: last }) {
    const count = state === 'open' && last ? this.history.turnedAway(this.engine, Date.parse(last.at) / 1000) : NaN;
    return Number.isNaN(count) ? '' : `: ${count} since it opened`;
  }

  async #force(force, mode) {
    let text = '';
    try {
      await force(this.engine, mode);
    } catch (error) {
      text = error.message;
    }
    set(this.complaint, text);
    this.complaint.hidden = text === '';
  }

  #count() {
    set(this.countdown, Number.isNaN(this.#until) ? '' : `half-open in ${left(this.#until - performance.now())}`);
  }

  drawBand() {
    const { context, area } = fit(this.canvas);
    drawBand(context, this.history.points(this.engine), this.history.now, area);
  }

  // A meter is how near a rule is to its threshold: [what, value, of how many, in words].
  #drawMeters(b) {
    const rows = [];
    if (b.state === 'half-open') {
      rows.push(['probes passed', b.probes_passed, b.probes_to_close, `${b.probes_passed} of ${b.probes_to_close}, ${b.probes_out} out`]);
    } else if (b.state === 'closed') {
      const seen = b.calls + b.overdue;
      if (b.failures_to_open > 0) rows.push(['failures in a row', b.failures, b.failures_to_open, `${b.failures} of ${b.failures_to_open}`]);
      if (b.failure_rate_to_open > 0 || b.slow_rate_to_open > 0) {
        rows.push(['calls seen', Math.min(seen, b.calls_to_judge), b.calls_to_judge, `${seen}, ${b.calls_to_judge} needed`]);
      }
      if (b.failure_rate_to_open > 0) rows.push(share('failed', b.failed, b.calls, b.failure_rate_to_open));
      if (b.slow_rate_to_open > 0) rows.push(share('slow', b.slow + b.overdue, seen, b.slow_rate_to_open));
    }
    while (this.meters.children.length > rows.length) this.meters.lastChild.remove();
    while (this.meters.children.length < rows.length) this.meters.append(el('p', {}, el('span'), el('meter')));
    rows.forEach(([what, value, max, words], i) => {
      const [label, meter] = this.meters.children[i].children;
      set(label, what);
      meter.max = max;
      meter.value = value;
      attribute(meter, 'aria-label', `${what}: ${words}`);
    });
  }

  #drawLast(t, would) {
    const key = [t?.at, t?.to, would?.at, this.history.filled].join();
    if (this.shown === key) return;
    this.shown = key;
    keepingFocus(this.last, () => this.last.replaceChildren(...(t ? sentence(t) : ['No transition yet.']), ...(would ? [el('br'), 'It would have opened: ', ...sentence(would)] : [])));
    const list = this.history.transitions[this.engine].filter((x) => x.at !== t?.at).slice(-20).reverse();
    keepingFocus(this.earlier, () => this.earlier.replaceChildren(...(list.length ? list.map((x) => el('li', {}, ...sentence(x))) : [el('li', {}, 'None in memory.')])));
  }
}

function share(what, n, of, threshold) {
  const part = of > 0 ? n / of : 0;
  return [`${what} of ${of}`, Math.min(part / threshold, 1), 1, `${percent(part)}, opens at ${percent(threshold)}`];
}

// keepingFocus draws an element anew. A link in it that has the focus hands it to the link
// of the same trace, or to the first one.
function keepingFocus(element, draw) {
  const had = element.contains(document.activeElement) ? document.activeElement.href : undefined;
  draw();
  if (had === undefined) return;
  const links = [...element.querySelectorAll('a')];
  (links.find((a) => a.href === had) ?? links[0])?.focus();
}

const left = (ms) => (ms < 60_000 ? `${(Math.max(0, ms) / 1000).toFixed(1)}\u00a0s` : duration(ms));

// sentence tells a transition as the log does.
function sentence(t) {
  const when = new Date(t.at);
  return [
    el('b', {}, `${t.from} → ${t.to}`), ' at ', el('time', { dateTime: t.at }, clock(when)),
    `: ${t.reason}${t.error ? `, last: ${t.error}` : ''} `,
    t.trace_id ? traceLink(t.trace_id, t.trace_url, 'trace') : null,
  ].filter((x) => x !== null);
}
