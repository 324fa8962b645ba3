// The latest calls, each with its picture; opened, it shows its spans. The list holds still
// while somebody is in it, because what moves cannot be read.

import { request } from './api.js';
import { attribute, byId, el, press, set } from './dom.js';
import { engines } from './history.js';
import { fetchTrace, showTrace, traceLink } from './trace.js';
import { clock, duration, plural } from './units.js';
import { attemptsPicture, attemptsTold } from './waterfall.js';

const remembered = 400; // calls that a filter finds
const shown = 30;
const atOnce = 6; // new rows at a time, of which there are four a second
const scales = [5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000];

const retried = (call) => (call.attempts?.length ?? 0) > 1;
const filters = {
  all: () => true,
  failed: (call) => call.outcome !== 'success',
  retried,
  rejected: (call) => call.outcome === 'rejected',
};
const words = { success: 'ok', failure: 'failed', timeout: 'timed out', rejected: 'rejected', canceled: 'canceled' };

export class Calls {
  #texts = []; // of events that came since the last drawing
  #calls = []; // the newest first
  #filter = 'all';
  #held = false;
  #left = 0; // out of the list while it was held, or because there were too many
  #opened = 0;

  constructor(changed) {
    this.changed = changed;
    this.list = byId('list');
    this.complaint = el('p', { className: 'error', role: 'alert', hidden: true });
    this.list.before(this.complaint);
    for (const button of document.querySelectorAll('[data-filter]')) button.addEventListener('click', () => this.filter(button.dataset.filter, true));
    for (const kind of ['pointerenter', 'pointerleave', 'focusin', 'focusout']) this.list.addEventListener(kind, () => setTimeout(() => this.#look()));
    byId('call').addEventListener('click', () => this.#make());
    this.filter('all');
  }

  get filtered() { return this.#filter; }

  filter(name, byHand = false) {
    if (!Object.hasOwn(filters, name)) return;
    this.#filter = name;
    this.#opened = 0;
    for (const button of document.querySelectorAll('[data-filter]')) press(button, button.dataset.filter === name);
    this.list.replaceChildren(...this.#calls.filter(filters[name]).slice(0, shown).map((call) => this.#row(call)));
    this.#tell();
    setTimeout(() => this.#look()); // an opened call is gone from it
    if (byHand) this.changed();
  }

  // add takes an event's text, which is not read before it is time to draw.
  add(text) {
    this.#texts.push(text);
    if (this.#texts.length > remembered) {
      this.#texts.shift();
      this.#left++;
    }
  }

  draw() {
    if (!this.#texts.length) return;
    const fresh = this.#texts.map((text) => JSON.parse(text)).reverse();
    this.#texts = [];
    this.#calls = [...fresh, ...this.#calls].slice(0, remembered);
    const wanted = fresh.filter(filters[this.#filter]);
    if (this.#held) {
      this.#left += wanted.length;
    } else {
      const rows = wanted.slice(0, atOnce);
      this.#left = wanted.length - rows.length;
      this.list.prepend(...rows.map((call) => this.#row(call)));
      for (let i = this.list.children.length - 1; i >= shown; i--) this.list.children[i].remove();
    }
    this.#tell();
  }

  #tell() {
    const longest = Math.max(1, ...[...this.list.children].map((row) => row.call.elapsed_ms));
    const scale = scales.find((s) => s >= longest) ?? longest;
    this.list.style.setProperty('--scale', scale);
    byId('none').hidden = this.list.children.length > 0;
    set(byId('none'), this.#filter === 'all' ? 'No calls yet: make one, or let caller make some by itself, above.' : 'None like that among the latest calls.');
    set(byId('scale'), this.list.children.length ? `full width: ${duration(scale)}` : '');
    set(byId('held'), this.#held ? 'held while you look' : '');
    set(byId('left'), !this.#left ? '' : this.#held ? `${plural(this.#left, 'newer call')} left out` : 'more calls than can be shown: some are left out');
  }

  // look holds the list while a pointer, the focus or an opened call is in it, and fetches
  // the traces of what is seen meanwhile: the next thousand calls would push them out.
  #look() {
    const held = this.list.matches(':hover, :focus-within') || this.#opened > 0;
    if (held === this.#held) return;
    this.#held = held;
    this.#left = 0;
    if (held) for (const row of [...this.list.children].slice(0, 20)) fetchTrace(row.call.trace_id).catch(() => {});
    else this.filter(this.#filter);
    this.#tell();
  }

  #row(call) {
    const count = call.attempts?.length ?? 0;
    const body = el('div', { className: 'opened', hidden: true });
    const head = el('button', { type: 'button', className: 'head', 'aria-expanded': 'false', onclick: () => this.#open(row) },
      el('time', { dateTime: call.at }, clock(new Date(call.at), true)),
      el('b', { className: 'outcome' }, words[call.outcome] ?? call.outcome),
      el('span', { className: 'how' }, count > 1 ? `after ${plural(count, 'attempt')}` : call.outcome === 'rejected' ? reason(call) : ''),
      el('span', { className: 'took' }, duration(call.elapsed_ms)),
      el('span', { className: 'engine' }, call.engine === 'handrolled' ? 'hand-rolled' : call.engine),
      attemptsPicture(call));
    const row = el('li', { 'data-outcome': call.outcome }, head, body);
    row.call = call;
    return row;
  }

  #open(row) {
    const [head, body] = row.children;
    const open = head.getAttribute('aria-expanded') !== 'true';
    attribute(head, 'aria-expanded', String(open));
    body.hidden = !open;
    this.#opened += open ? 1 : -1;
    if (open) this.#fill(body, row.call);
    this.#look();
  }

  #fill(body, call) {
    const spans = el('div', { className: 'spans' });
    body.replaceChildren(
      el('p', { className: 'story' }, `${call.pipeline}, policy ${call.policy_version}: ${attemptsTold(call) || 'no attempt was made'}.`),
      call.error ? el('p', { className: 'error' }, call.error) : '',
      ...openedBy(call), ...(call.warnings ?? []).map((warning) => el('p', { className: 'warning' }, warning)), spans);
    return showTrace(spans, call.trace_id, call.trace_url);
  }

  async #make() {
    const answers = await Promise.allSettled(engines.map((engine) => request('GET', `/call?engine=${engine}`)));
    const lost = answers.find((a) => a.status === 'rejected' && !a.reason.body?.outcome); // a call that failed has an outcome
    set(this.complaint, lost ? lost.reason.message : '');
    this.complaint.hidden = !lost;
  }
}

const reason = (call) => ({ bulkhead: 'bulkhead full', rate_limit: 'rate limit' })[call.attempts?.at(-1)?.cause] ?? 'breaker open';

// openedBy leads from a rejected call to the one that opened the breaker.
function openedBy(call) {
  const last = call.breaker.opened ?? (call.breaker.last_transition?.to === 'open' ? call.breaker.last_transition : null);
  if (call.outcome !== 'rejected' || reason(call) !== 'breaker open' || !last) return [];
  const link = last.trace_id ? traceLink(last.trace_id, last.trace_url, 'the call that opened it') : null;
  link?.classList.add('opened-by');
  return [el('p', {}, `The breaker opened at ${clock(new Date(last.at))}: ${last.reason}${last.error ? `, last: ${last.error}` : ''}. `, link ?? '')];
}
