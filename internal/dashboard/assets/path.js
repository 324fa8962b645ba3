// The path of a call, from stage to stage with its rates, and the large figures.

import { byId, el, set } from './dom.js';
import { factor, none, percent, plural, rate } from './units.js';

// window is what the rates are the mean of, and figureWindow the large figures.
const window = 2;
const figureWindow = 5;
// flow is how thick the line between two stages is for the load that clients offer, and
// maxFlow the most that it becomes, in pixels.
const flow = 6;
const maxFlow = 28;

const stages = { deadline: 'Deadline', retry: 'Retry', rate_limit: 'Rate limit', timeout: 'Timeout', breaker: 'Circuit breaker', bulkhead: 'Bulkhead' };
const terms = { deadline: 'deadline', retry: 'retry', rate_limit: 'rate limit', timeout: 'timeout', breaker: 'circuit breaker', bulkhead: 'bulkhead' };

export class Path {
  #order = '';

  constructor(history, term) {
    this.history = history;
    this.term = term;
  }

  draw(state, replicas) {
    if (state.policy.order.join() !== this.#order) this.#build(state.policy.order);
    const d = this.history.last(window);
    const per = (n) => n / d.dt;
    this.#tell('caller', rate(per(d.offered)), ['offered', d.dropped > 0 ? `${rate(per(d.dropped))} dropped` : '', inFlight(state) > 20 ? `${inFlight(state)} under way` : ''].filter(Boolean).join(' · '));
    this.#tell('retry', `+${rate(per(d.retries))}`, budget(state));
    this.#tell('timeout', rate(per(d.timeouts)), 'cut off');
    this.#tell('breaker', rate(per(d.open)), `rejected · ${state.engines.handrolled.breaker.state} | ${state.engines.gobreaker.breaker.state}`);
    const bulkheads = Object.values(state.engines).map((e) => e.bulkhead);
    this.#tell('bulkhead', rate(per(d.bulkhead)), `rejected · ${bulkheads.reduce((n, b) => n + b.running, 0)} running`);
    this.#tell('rate_limit', rate(per(d.rate_limit)), 'rejected');
    this.#tell('deadline', String(inFlight(state)), 'calls under way');
    this.#tell('flaky', rate(per(d.sent)), replicas.length ? `arrive at ${plural(replicas.length, 'replica')}` : 'arrive');
    this.#flow(per(d.offered), per(d.sent));
    this.#figures(inFlight(state));
  }

  #build(order) {
    this.#order = order.join();
    this.boxes = {};
    const box = (name, label, term) => {
      const value = el('b', { className: 'value' }, none);
      const note = el('small');
      this.boxes[name] = { value, note };
      return el('li', { className: `stage stage-${name}` }, el('span', { className: 'label' }, term ? this.term(term, label) : label), value, note);
    };
    byId('stages').replaceChildren(box('caller', 'caller'), ...order.map((name) => box(name, stages[name], terms[name])), box('flaky', 'flaky'));
  }

  #tell(name, value, note) {
    const box = this.boxes[name];
    if (!box) return;
    set(box.value, value);
    set(box.note, note);
  }

  // flow lets the line before each stage be as thick as what goes there: what is offered
  // up to Retry, what is sent from the breaker on, the larger of both between them.
  #flow(offered, sent) {
    const thick = (n) => `${offered > 0 ? Math.max(1, Math.min(maxFlow, Math.round((flow * n) / offered))) : 1}px`;
    const { style } = byId('stages');
    style.setProperty('--offered', thick(offered));
    style.setProperty('--sent', thick(sent));
    style.setProperty('--most', thick(Math.max(offered, sent)));
  }

  #figures(underWay) {
    const d = this.history.last(figureWindow);
    set(byId('success'), percent(d.succeeded / d.calls));
    set(byId('success-attempts'), percent(d.answered / d.ended));
    const amplification = d.sent / d.offered;
    set(byId('amplification'), factor(amplification));
    byId('success').dataset.level = level(d.succeeded / d.calls);
    set(byId('amplification-what'), amplificationTold(amplification, d));
    set(byId('unended'), d.calls === 0 && underWay > 0 ? `${plural(underWay, 'call is', 'calls are')} under way, none has ended` : '');
  }
}

const level = (share) => (!Number.isFinite(share) ? 'none' : share >= 0.99 ? 'good' : share >= 0.9 ? 'fair' : 'bad');

function amplificationTold(a, d) {
  if (!Number.isFinite(a)) return 'nothing is offered';
  const numbers = `${rate(d.sent / d.dt)} sent ÷ ${rate(d.offered / d.dt)} offered`;
  if (a > 1.05) return `${numbers}: retries add load`;
  if (a >= 0.95) return numbers;
  const [count, what] = [[d.open, 'the breaker sheds load'], [d.bulkhead, 'the bulkhead is full'], [d.rate_limit, 'the rate limit holds back'], [d.dropped, 'too many calls are under way']].sort(([x], [y]) => y - x)[0];
  return count > 0 ? `${numbers}: ${what}` : numbers;
}

const inFlight = (state) => Object.values(state.engines).reduce((n, e) => n + e.in_flight, 0);

function budget(state) {
  const budgets = Object.values(state.engines).map((e) => e.budget).filter(Boolean);
  if (!budgets.length) return 'no budget';
  return `budget ${percent(Math.min(...budgets.map((b) => b.tokens / b.burst))).replace(/\.\d/, '')}`;
}
