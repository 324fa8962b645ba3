// Ninety seconds, four steps: what each policy is good for, and what it costs. The tour
// changes what is in force and, when it is left, puts everything back as it was.

import { byId, el, set } from './dom.js';
import { factor, percent } from './units.js';

const naive = { max_attempts: 4, jitter: 'none', budget: { on: false } };

// A step is what it does, what to watch, and why. Marks are what to look at.
const steps = [
  {
    title: 'Break it', fault: 0.3, order: ['retry', 'timeout'], marks: ['figure', 'path'],
    does: 'Three in ten requests fail now. Calls are retried; the breaker is left out for the moment.',
    watch: 'Success of attempts falls to 70 %, success of calls stays near 99 %. Load sent ÷ offered rises to about 1.4×.',
    why: 'A retry is knocking again: what failed by chance mostly works the second time. It is not free: every failure costs one more request.',
  },
  {
    title: 'Retries off', fault: 0.3, order: ['timeout'], marks: ['figure', 'charts'],
    does: 'The same failures, and nobody knocks again.',
    watch: 'Success of calls falls to that of attempts: clients see three failures in ten. Load sent ÷ offered is 1.00×.',
    why: 'This is what the dependency really is. Retries had hidden it, and paid for it.',
  },
  {
    title: 'Naive retries', fault: 1, order: ['retry'], retry: naive, marks: ['figure', 'chart-load'],
    does: 'Now everything fails, and retries are on again: four attempts, no jitter, no budget.',
    watch: 'Success is 0 % all the same, and load sent ÷ offered rises to 4.00×.',
    why: 'Retries cannot mend an outage. They multiply the load just when the dependency can bear the least, and keep it down when it tries to get up.',
  },
  {
    title: 'Breaker on', fault: 1, order: ['retry', 'timeout', 'breaker'], marks: ['breakers', 'figure'], heal: true,
    does: 'Still everything fails, behind Retry(Timeout(CircuitBreaker(call))), with jitter and a budget.',
    watch: 'Both breakers open after some failures in a row: calls fail within a millisecond, next to nothing is sent. Then heal it, and watch half-open, two probes, closed.',
    why: 'A breaker is a “closed” sign on the door: nobody waits for what will not come, and the dependency gets room to recover.',
  },
];

const parts = ['does', 'watch', 'why'];

export class Tour {
  #step = -1;
  #latest = Promise.resolve(); // the latest change: they are made one after the other
  #leaving = false; // everything is being put back: no step is made any more

  // Situation is what the tour changes and puts back: faults, policy, load, breakers.
  constructor(situation, history) {
    Object.assign(this, situation, { history });
    byId('tour-start').addEventListener('click', () => this.start());
    byId('tour-next').addEventListener('click', () => this.#go(this.#step + 1));
    byId('tour-back').addEventListener('click', () => this.#go(this.#step - 1));
    byId('tour-leave').addEventListener('click', () => this.leave());
    byId('tour-heal').addEventListener('click', () => this.#try(() => this.faults.preset('healthy')));
    byId('rest-back').addEventListener('click', () => this.#putBack());
    for (const id of ['rest-leave', 'tour-forget']) byId(id).addEventListener('click', () => this.#forget());
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !event.defaultPrevented && !event.target.matches('input, select, textarea') && !document.querySelector('dialog[open]')) this.leave();
    });
    byId('tour-steps').append(...steps.map((step, i) => el('li', { className: 'step', 'data-step': i + 1 }, step.title)));
  }

  get running() { return this.#step >= 0; }

  // resume offers to put back what a tour had changed that ended with its page.
  resume() { byId('tour-rest').hidden = this.running || kept() === null; }

  start() {
    if (this.running || !this.policy.answer || !this.faults.known || !this.load.known) return;
    if (!kept()) keep({ // otherwise what was there before is known from a tour that was left half-way
       faults: this.faults.before, policy: this.policy.before, load: this.load.inForce, modes: this.breakers.modes,
    });
    byId('tour').hidden = false;
    byId('tour-rest').hidden = true;
    byId('tour-start').disabled = true;
    this.#go(0);
  }

  #go(i) {
    if (this.#leaving) return undefined;
    if (i >= steps.length) return this.leave();
    this.#step = i;
    const step = steps[i];
    set(byId('tour-title'), `${i + 1} of ${steps.length}: ${step.title}`);
    for (const part of parts) set(byId(`tour-${part}`), step[part]);
    byId('tour-back').disabled = i === 0;
    set(byId('tour-next'), i === steps.length - 1 ? 'Finish' : 'Next');
    byId('tour-heal').hidden = !step.heal;
    [...byId('tour-steps').children].forEach((item, n) => (n === i ? item.setAttribute('aria-current', 'step') : item.removeAttribute('aria-current')));
    mark(step.marks);
    byId('tour-title').focus();
    byId('tour').scrollIntoView({ block: 'nearest' });
    return this.#try(async () => {
      if (this.#step !== i || this.#leaving) return; // somebody is ahead of it
      if (this.load.inForce.rate < 20 || this.load.over) await this.load.change({ rate: Math.max(20, this.load.inForce.rate) });
      const { boot } = this.policy.answer;
      await this.policy.put({ ...boot, order: step.order, retry: { ...boot.retry, ...step.retry } });
      for (const engine of Object.keys(this.breakers.modes)) await this.breakers.hold(engine, 'automatic');
      await this.faults.preset('errors', step.fault);
    });
  }

  // draw tells what is measured now beside what was promised.
  draw() {
    if (!this.running) return;
    const d = this.history.last(3);
    set(byId('tour-now'), `Now: success ${percent(d.succeeded / d.calls)} of calls, ${percent(d.answered / d.ended)} of attempts; sent ÷ offered ${factor(d.sent / d.offered)}.`);
  }

  // leave ends the tour when all is as it was before; until then it stays, to be left again.
  async leave() {
    if (this.running) await this.#putBack();
  }

  // putBack puts back as much as it can, and forgets what was there when that is all.
  #putBack() {
    this.#leaving = true;
    return this.#try(async () => {
      const before = kept();
      const parts = before ? [
        () => this.policy.restore(before.policy), () => this.faults.restore(before.faults), () => this.load.change(before.load),
        ...Object.entries(before.modes).map(([engine, mode]) => () => this.breakers.hold(engine, mode)),
      ] : [];
      const failed = [];
      for (const part of parts) await part().catch((error) => failed.push(error.message));
      if (!failed.length) return this.#forget();
      this.#leaving = false;
      byId('tour-forget').hidden = false;
      throw new Error(`not all could be put back: ${failed.join('; ')}`);
    });
  }

  #forget() {
    const open = !byId('tour').hidden || !byId('tour-rest').hidden;
    this.#step = -1;
    this.#leaving = false;
    keep(null);
    mark([]);
    byId('tour-forget').hidden = true;
    byId('tour').hidden = byId('tour-rest').hidden = true;
    byId('tour-start').disabled = false;
    if (open) byId('tour-start').focus();
  }

  // try makes changes when all earlier ones are made. It reports whether it could.
  #try(action) {
    const tried = this.#latest.then(action).then(() => '', (error) => error.message);
    this.#latest = tried;
    return tried.then((text) => {
      for (const id of ['tour-error', 'rest-error']) set(byId(id), text);
      return text === '';
    });
  }
}

function mark(ids) {
  for (const marked of document.querySelectorAll('.marked')) marked.classList.remove('marked');
  for (const id of ids) byId(id)?.classList.add('marked');
}

// What was there before the tour outlives a reload.
const key = 'before the tour';

function keep(before) {
  try {
    if (before) sessionStorage.setItem(key, JSON.stringify(before));
    else sessionStorage.removeItem(key);
  } catch {
    unstored = before;
  }
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? unstored;
  } catch {
    return unstored;
  }
}

let unstored = null; // where the browser stores nothing
