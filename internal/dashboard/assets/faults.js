// Break it, and heal: what is injected into flaky, by whom, and what else could be.

import { get, request } from './api.js';
import { byId, el, press, set } from './dom.js';
import { faultGroups } from './fields.js';
import { Form } from './form.js';
import { describe, presets, recognise } from './presets.js';
import { clock, plural } from './units.js';

export class Faults {
  replicas = [];
  known = false; // whether there are any, or why not
  #profile = '';
  #told = 0; // how often somebody has said what is in force
  #latest = Promise.resolve(); // the latest change
  #dialled = ''; // whose dial is under the hand

  constructor(changed) {
    this.changed = changed;
    this.form = new Form(byId('faults-form'), faultGroups, (form) => form.sending(form.document(), (document) => this.put(document)));
    byId('presets').append(...Object.entries(presets).map(([name, preset]) => el('button', {
      type: 'button', 'data-preset': name, title: preset.watch, onclick: () => this.try(() => this.preset(name)),
    }, preset.label)));
    byId('break').addEventListener('click', () => this.try(() => this.preset('errors', 1)));
    byId('heal').addEventListener('click', () => this.try(() => this.preset('healthy')));
    byId('boot').addEventListener('click', () => this.try(() => this.restart()));
    const dial = byId('dial');
    dial.addEventListener('input', () => {
      this.#dialled ||= this.inForce.name;
      this.#tellDial(presets[this.#dialled], Number(dial.value));
    });
    dial.addEventListener('change', () => {
      const name = this.#dialled || this.inForce.name;
      this.#dialled = '';
      this.try(() => this.preset(name, Number(dial.value)));
    });
    // Without a change there is no event of one.
    for (const kind of ['pointerup', 'pointercancel', 'keyup', 'blur']) dial.addEventListener(kind, () => setTimeout(() => (this.#dialled = '')));
    byId('profile').addEventListener('change', (event) => {
      this.#profile = event.target.value;
      this.#draw();
    });
  }

  get #path() { return this.#profile ? `/api/faults?profile=${encodeURIComponent(this.#profile)}` : '/api/faults'; }

  // inForce is the preset that the replicas have which are changed here, or custom.
  get inForce() {
    const [one] = this.#own();
    return one ? recognise(one.faults, one.seed_drawn === true) ?? { name: 'custom' } : { name: 'unknown' };
  }

  get document() { return this.#own()[0]?.faults; }

  get seedDrawn() { return this.#own()[0]?.seed_drawn === true; }

  // own are the replicas that a change is for: those born healthy, or with the chosen profile.
  #own() { return this.replicas.filter((r) => !r.error && (this.#profile ? r.profile === this.#profile : r.boot_healthy)); }

  // before is what restore puts back: nothing, where it was not set by hand.
  get before() {
    const [one] = this.#own();
    return one?.source === 'api' ? this.written : null;
  }

  // written is the document as somebody would write it: a seed that was drawn is none of it.
  get written() { return this.seedDrawn ? { ...this.document, seed: undefined } : this.document; }

  async restore(document) {
    if (document) await this.put(document);
    else await this.restart();
  }

  // restart returns replicas to what they were born with, or to their file.
  restart() { return this.#send('DELETE'); }

  preset(name, value = presets[name].dial?.value) { return this.put(presets[name].make(value)); }

  put(document) { return this.#send('PUT', document); }

  // send makes changes one after the other.
  #send(method, document) {
    this.#dialled = '';
    const sent = this.#latest.then(async () => this.#answered(await request(method, this.#path, document)));
    this.#latest = sent.catch(() => {}); // whoever asked is told
    return sent;
  }

  // try does something, and says here what came of it.
  async try(action) {
    try {
      await action();
      this.#complain('');
    } catch (error) {
      if (error.body?.replicas) this.#answered(error.body);
      this.#complain(error.message);
    }
  }

  #complain(text) {
    set(byId('faults-error'), text);
    byId('faults-error').hidden = text === '';
  }

  async refresh() {
    await this.#ask();
    this.known = true;
  }

  async #ask() {
    try {
      const told = this.#told;
      const answer = await get('/api/faults');
      if (this.#told === told) this.show(answer); // otherwise something newer has come meanwhile
    } catch (error) {
      if (error.body?.replicas) this.show(error.body);
      else if (error.status) {
        set(byId('in-force'), error.message);
        for (const button of document.querySelectorAll('#break, #heal, #tour-start, #faults button')) button.disabled = error.status === 404;
      }
    }
  }

  #answered(answer) {
    this.show(answer);
    this.changed();
  }

  // show takes an answer of /api/faults, which has no replicas where none could be found.
  show({ replicas = [], detail }) {
    this.#told++;
    this.replicas = replicas;
    this.detail = detail;
    const profiles = [...new Set(replicas.filter((r) => !r.error && !r.boot_healthy).map((r) => r.profile))].sort();
    const born = replicas.some((r) => r.boot_healthy);
    const choices = [...(born || !profiles.length ? [''] : []), ...profiles];
    if (!choices.includes(this.#profile)) [this.#profile] = choices;
    const select = byId('profile');
    if ([...select.options].map((o) => o.value).join() !== choices.join()) {
      select.replaceChildren(...choices.map((name) => el('option', { value: name }, name || 'born healthy')));
    }
    select.value = this.#profile;
    byId('profile-row').hidden = choices.length < 2;
    this.#draw();
  }

  #draw() {
    const { name, value } = this.inForce;
    for (const button of document.querySelectorAll('[data-preset]')) press(button, button.dataset.preset === name);
    const preset = presets[name];
    byId('dial-row').hidden = !preset?.dial && !this.#dialled;
    if (preset?.dial && !this.#dialled) {
      Object.assign(byId('dial'), { min: preset.dial.min, max: preset.dial.max, step: preset.dial.step, value });
      this.#tellDial(preset, value);
    }
    set(byId('watch'), preset?.watch ?? '');
    this.#drawInForce();
    if (this.document) this.form.show(this.written);
  }

  #tellDial(preset, value) {
    set(byId('dial-label'), preset.dial.label);
    set(byId('dial-value'), preset.dial.format(value));
    byId('dial').setAttribute('aria-valuetext', preset.dial.format(value));
  }

  // drawInForce says what is injected where, and who said so.
  #drawInForce() {
    const failing = this.replicas.filter((r) => !r.error && !r.healthy).length;
    const silent = this.replicas.filter((r) => r.error).length;
    const kinds = new Map();
    for (const r of this.replicas) {
      const what = r.error ? 'does not answer' : `${describe(r.faults)}${back(r)} (${source(r)})`;
      kinds.set(what, (kinds.get(what) ?? 0) + 1);
    }
    set(byId('in-force'), this.replicas.length === 0 ? this.detail ?? 'flaky has no replicas'
      : `${[...kinds].map(([what, n]) => `${plural(n, 'replica')}: ${what}`).join('; ')}`);
    set(byId('failing'), `${failing} of ${plural(this.replicas.length, 'replica')} with faults${silent ? `, ${silent} not answering` : ''}`);
    const rows = this.replicas.map((r) => el('tr', { className: r.differs ? 'differs' : '' },
      el('th', { scope: 'row' }, r.served_by ?? r.address),
      el('td', {}, r.error ? r.error : `${describe(r.faults)}${back(r)}`, el('small', {}, stage(r), r.differs ? ' (missed the latest change)' : '')),
      el('td', {}, r.error ? '' : source(r)),
      el('td', {}, r.error ? '' : clock(new Date(r.since)))));
    byId('replicas').replaceChildren(...rows);
  }
}

// back is said of a replica that crashed, and listens again.
const back = (r) => (r.faults.crash && !r.down_until ? ', and back' : '');

const source = (r) => ({ boot: `boot profile ${r.profile}`, file: 'ConfigMap', api: 'API' })[r.source] ?? r.source;

// stage is how far a schedule is, and when a crashed replica listens again.
function stage({ phase, down_until: down }) {
  const until = (time) => `until ${clock(new Date(time))}`;
  if (down) return ` (down ${until(down)})`;
  if (!phase) return '';
  return phase.index < 0 ? ' (the schedule is over)' : ` (phase ${phase.index + 1} of ${phase.of}${phase.until ? `, ${until(phase.until)}` : ''})`;
}
