// The calls that caller makes by itself, and by whose breaker they go.

import { request } from './api.js';
import { byId, press, set } from './dom.js';
import { milliseconds, percent } from './units.js';

export class Load {
  inForce = { rate: 0, handrolled: 0.5, arrivals: 'constant' };
  known = false;
  #latest = Promise.resolve(); // the latest change
  #since = '';
  #turned = false; // the slider is under the hand

  constructor(changed) {
    this.changed = changed;
    for (const button of document.querySelectorAll('[data-rate]')) button.addEventListener('click', () => this.try({ rate: Number(button.dataset.rate) }));
    byId('load').addEventListener('submit', (event) => {
      event.preventDefault();
      const text = byId('rate').value.trim();
      this.try({ rate: text !== '' && Number.isFinite(Number(text)) ? Number(text) : text });
    });
    byId('arrivals').addEventListener('change', (event) => this.try({ arrivals: event.target.value }));
    const share = byId('share');
    share.addEventListener('input', () => {
      this.#turned = true;
      this.#tell(1 - Number(share.value));
    });
    // Without a change there is no event of one.
    for (const kind of ['pointerup', 'pointercancel', 'keyup', 'blur']) share.addEventListener(kind, () => setTimeout(() => (this.#turned = false)));
    share.addEventListener('change', () => {
      this.#turned = false;
      this.try({ handrolled: Math.round(100 * (1 - Number(share.value))) / 100 });
    });
  }

  show({ load, since }) {
    if (Date.parse(since) < Date.parse(this.#since)) return; // a snapshot of before the latest change
    this.#since = since;
    this.inForce = load;
    const time = milliseconds(load.for);
    this.over = time > 0 && Date.now() > Date.parse(since) + time;
    set(byId('load-over'), this.over ? `over: it was for ${load.for}` : time > 0 ? `for ${load.for}` : '');
    this.known = true;
    for (const button of document.querySelectorAll('[data-rate]')) press(button, Number(button.dataset.rate) === load.rate);
    const input = byId('rate');
    if (document.activeElement !== input && input.getAttribute('aria-invalid') !== 'true') input.value = String(load.rate);
    if (document.activeElement !== byId('arrivals')) byId('arrivals').value = load.arrivals;
    if (!this.#turned) {
      byId('share').value = 1 - load.handrolled;
      this.#tell(load.handrolled);
    }
  }

  #tell(handrolled) {
    const text = `${percent(handrolled)} hand-rolled, ${percent(1 - handrolled)} gobreaker`;
    set(byId('share-value'), text);
    byId('share').setAttribute('aria-valuetext', text);
  }

  // change replaces the load by what is in force when its turn has come, and something else.
  // Its seed is drawn anew. A rate that is set by hand has no end.
  change(changes) {
    const sent = this.#latest.then(async () => {
      const { rate, arrivals, max_in_flight: most, handrolled, for: time } = this.inForce;
      const document = { rate, arrivals, max_in_flight: most, handrolled, for: 'rate' in changes ? '0s' : time, ...changes };
      this.show(await request('PUT', '/api/load', document));
      this.changed();
    });
    this.#latest = sent.catch(() => {}); // whoever asked is told
    return sent;
  }

  async try(changes) {
    const error = byId('load-error');
    const input = byId('rate');
    try {
      await this.change(changes);
      error.hidden = true;
      input.removeAttribute('aria-invalid');
      input.value = String(this.inForce.rate);
    } catch (refusal) {
      error.hidden = false;
      set(error, refusal.message);
      if (refusal.fields?.some((f) => f.field === 'rate')) input.setAttribute('aria-invalid', 'true');
    }
  }
}
