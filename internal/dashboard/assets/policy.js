// Protect it: which policies are on, in which order, with which limits, and what a call can
// cost at worst.

import { get, request } from './api.js';
import { attribute, byId, el, set } from './dom.js';
import { policyGroups } from './fields.js';
import { Form } from './form.js';
import { duration, factor, percent, plural } from './units.js';

// outermostFirst is where each policy belongs, and how its limits are told.
export const outermostFirst = ['deadline', 'retry', 'rate_limit', 'timeout', 'breaker', 'bulkhead'];
const names = { deadline: 'deadline', retry: 'retry', rate_limit: 'rate limit', timeout: 'timeout', breaker: 'breaker', bulkhead: 'bulkhead' };
const summaries = {
  deadline: (p) => `${p.deadline.limit} for a whole call`,
  retry: (p) => `${plural(p.retry.max_attempts, 'attempt')}, ${p.retry.jitter} jitter${p.retry.budget.on ? ', budget' : ', no budget'}`,
  rate_limit: (p) => `${p.rate_limit.rate}/s, bursts of ${p.rate_limit.burst}`,
  timeout: (p) => `${p.timeout.limit} for an attempt`,
  breaker: (p) => `${trips(p.breaker)}, open ${p.breaker.open_for}`,
  bulkhead: (p) => `${p.bulkhead.max_concurrent} at once`,
};

function trips(b) {
  return [
    b.failures > 0 ? `${b.failures} in a row` : null,
    b.failure_rate > 0 ? `${percent(b.failure_rate)} failed` : null,
    b.slow_rate > 0 ? `${percent(b.slow_rate)} slow` : null,
  ].filter(Boolean).join(' or ');
}

// placed is an order with a policy put where it belongs, or taken out.
export function placed(order, name, on) {
  const others = order.filter((n) => n !== name);
  if (!on) return others;
  const next = others.findIndex((n) => outermostFirst.indexOf(n) > outermostFirst.indexOf(name));
  others.splice(next < 0 ? others.length : next, 0, name);
  return others;
}

export class Policy {
  #version = 0;
  #latest = Promise.resolve(); // the latest change

  constructor(changed) {
    this.changed = changed;
    this.form = new Form(byId('policy-form'), policyGroups, (form) => form.sending(form.changes(), (changes) => this.#send('PATCH', () => changes)));
    this.rows = Object.fromEntries(outermostFirst.map((name) => [name, this.#row(name)]));
    byId('order').append(...outermostFirst.map((name) => this.rows[name].item));
    byId('policy-boot').addEventListener('click', () => this.try(() => this.restart()));
    byId('anyway').addEventListener('click', () => this.try(() => this.#send('PATCH', () => ({ order: this.wanted, any_order: true }))));
  }

  #row(name) {
    const box = el('input', { type: 'checkbox', id: `policy-${name}`, onchange: () => this.try(() => this.switch(name, box.checked)) });
    const summary = el('small');
    const move = (by, label, sign) => el('button', { type: 'button', className: 'move', 'aria-label': `${names[name]} ${label}`, onclick: () => this.#move(name, by) }, sign);
    const [out, into] = [move(-1, 'one further out', '↑'), move(1, 'one further in', '↓')];
    return { box, summary, out, into, item: el('li', {}, el('label', {}, box, el('b', {}, names[name]), summary), out, into) };
  }

  // version is told which one is in force, and asks for it if it is new.
  async version(number) {
    if (number === this.#version) return;
    this.#version = number;
    try {
      this.show(await get('/api/policy'));
    } catch {
      this.#version = 0; // the next snapshot asks again
    }
  }

  show(answer) {
    this.answer = answer;
    this.#version = answer.version;
    const { policy, explain } = answer;
    const off = outermostFirst.filter((name) => !policy.order.includes(name));
    const sequence = [...policy.order, ...off];
    const focus = document.activeElement;
    sequence.forEach((name, i) => {
      const { box, summary, out, into, item } = this.rows[name];
      const on = policy.order.includes(name);
      box.checked = on;
      set(summary, summaries[name](policy));
      item.classList.toggle('off', !on);
      out.disabled = !on || i === 0;
      into.disabled = !on || i === policy.order.length - 1;
      if (byId('order').children[i] !== item) byId('order').insertBefore(item, byId('order').children[i] ?? null);
    });
    if (focus && (focus !== document.activeElement || focus.disabled)) this.#focus(focus); // a row that is moved loses it
    set(byId('pipeline'), policy.order.length ? `${policy.order.map((name) => names[name]).join(' ▸ ')} ▸ call` : 'the bare call');
    set(byId('explain'), `At worst ${plural(explain.most_attempts, 'attempt')}, ${explain.longest_time_ms > 0 ? duration(explain.longest_time_ms) : 'without an end'}, ${factor(explain.load_factor)} load; longer where a Retry-After asks for it.`);
    byId('warnings').replaceChildren(...explain.warnings.map((w) => el('li', {}, w)));
    set(byId('policy-source'), `policy ${answer.version}, ${answer.source === 'boot' ? 'as started' : 'set by API'}`);
    this.form.show(policy);
  }

  // focus gives the focus to a control, or to the one beside it if that cannot be used now.
  #focus(control) { (control?.disabled ? control.parentElement.querySelector('button:not(:disabled), input') : control)?.focus(); }

  // switch puts a policy where it belongs, or takes it out.
  switch(name, on) {
    return this.#send('PATCH', () => ({ order: (this.wanted = placed(this.answer.policy.order, name, on)) }));
  }

  #move(name, by) {
    return this.try(() => this.#send('PATCH', () => {
      const order = [...this.answer.policy.order];
      const i = order.indexOf(name);
      if (i >= 0 && order[i + by]) [order[i], order[i + by]] = [order[i + by], name]; // it may have been moved meanwhile
      return { order: (this.wanted = order) };
    }));
  }

  put(policy) { return this.#send('PUT', () => policy); }

  // before is what restore puts back: nothing, where it is as caller was started.
  get before() { return this.answer.source === 'boot' ? null : this.answer.policy; }

  restore(policy) { return policy ? this.put(policy) : this.restart(); }

  // restart returns to the policy that caller was started with.
  restart() { return this.#send('DELETE', () => undefined); }

  // send makes changes one after the other, each from what is in force when its turn has come.
  #send(method, make) {
    if (document.activeElement !== byId('anyway')) this.asked = document.activeElement; // what was refused, not that it is insisted on
    const sent = this.#latest.then(async () => {
      this.show(await request(method, '/api/policy', make()));
      this.#complain(null);
      this.changed();
    });
    this.#latest = sent.catch(() => {}); // whoever asked is told
    return sent;
  }

  async try(action) {
    try {
      await action();
    } catch (error) {
      this.#complain(error);
      if (this.answer) this.show(this.answer); // the switches as they are
    }
  }

  #complain(error) {
    const element = byId('policy-error');
    set(element, error?.message ?? '');
    element.hidden = !error;
    const anyway = byId('anyway');
    const left = anyway === document.activeElement;
    anyway.hidden = !error?.fields?.some((f) => f.field === 'order');
    if (left && anyway.hidden) this.#focus(this.asked);
    attribute(byId('order'), 'aria-describedby', error ? 'policy-error' : 'pipeline');
  }
}
