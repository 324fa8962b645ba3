// One line for every term. A term can be pointed at, or reached by the keyboard.

import { byId, el, set } from './dom.js';

const terms = {
  attempt: 'One request to the dependency. A call is one or more of them.',
  'retry': 'Knocking again: another attempt after one that failed, for what a second one may mend.',
  'back-off': 'The wait before the next attempt. Its ceiling grows each time.',
  'full jitter': 'Each wait is drawn from zero to its ceiling, so that clients who failed together do not come back together.',
  'retry budget': 'Retries may be a share of successes and no more: they cannot multiply an outage.',
  timeout: 'Giving up: an attempt that takes longer is cut off.',
  deadline: 'The time that a whole call may take, with all its attempts and waits.',
  'circuit breaker': 'A “closed” sign on the door: after too many failures calls are turned away at once, without asking.',
  'hand-rolled': 'The breaker of pkg/resilience, written to be read.',
  gobreaker: 'The breaker of github.com/sony/gobreaker behind the same interface, under the same policy.',
  closed: 'Of a breaker: calls go through, and are counted.',
  open: 'Of a breaker: calls are turned away.',
  'half-open': 'Of a breaker: a few probes go through. All succeed: it closes. One fails: it opens again.',
  probe: 'A call that half-open lets through, to see whether the dependency is well again.',
  bulkhead: 'A bound on how many attempts run at once, so that one slow dependency cannot take everything.',
  'rate limit': 'A bound on attempts per second, whether they fail or not. A breaker is none.',
  'success of calls': 'The share of calls that ended well, after all their attempts: what clients see.',
  'success of attempts': 'Of the attempts that reached flaky, the share that ended well: how well the dependency really is.',
  amplification: 'Load sent ÷ load offered: above 1 retries add load, below 1 the breaker sheds it.',
  offered: 'Calls that clients begin, per second, whatever becomes of them.',
  sent: 'Attempts that reach the network, per second.',
  p50: 'Half of all calls of the last ten seconds were faster.',
  p99: 'One call in a hundred of the last ten seconds took longer.',
  'idempotency key': 'A name for a request, by which the server knows that it has done it already.',
  goodput: 'Calls that ended well, per second.',
  pod: 'A replica of flaky. Connections are spread over pods, not requests.',
};

// term is a word that explains itself.
export function term(name, text = name) {
  return el('button', { type: 'button', className: 'term', 'data-term': name }, text);
}

export function startTerms() {
  const box = byId('explanation');
  let current;
  const show = (button) => {
    current = button;
    set(box, terms[button.dataset.term] ?? '');
    button.setAttribute('aria-describedby', 'explanation');
    box.hidden = false;
    const at = button.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left, document.documentElement.clientWidth - box.offsetWidth - 8));
    const below = at.bottom + box.offsetHeight < innerHeight;
    box.style.left = `${left + scrollX}px`;
    box.style.top = `${(below ? at.bottom : at.top - box.offsetHeight) + scrollY}px`;
  };
  const hide = () => {
    current?.removeAttribute('aria-describedby');
    current = undefined;
    box.hidden = true;
  };
  const of = (event) => event.target.closest?.('[data-term]');
  document.addEventListener('pointerover', (event) => (of(event) ? show(of(event)) : event.target !== box && current !== document.activeElement && hide()));
  document.addEventListener('focusin', (event) => (of(event) ? show(of(event)) : hide()));
  document.addEventListener('click', (event) => (of(event) ? show(of(event)) : hide()));
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || box.hidden) return;
    event.preventDefault(); // it closes this, and nothing else
    hide();
  });
}

// fillGlossary lists them all.
export function fillGlossary() {
  byId('glossary').append(...Object.entries(terms).flatMap(([name, what]) => [el('dt', {}, name), el('dd', {}, what)]));
}
