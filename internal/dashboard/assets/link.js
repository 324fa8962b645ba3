// The state of the page is in its address, so that a situation can be sent to someone:
// #fault=errors&retry=off&breaker.open_for=2s. Whoever opens it is told what it would
// change, and changes it with one click: a link alone changes nothing.

import { byId, el, set } from './dom.js';
import { put } from './form.js';
import { engines } from './history.js';
import { outermostFirst, placed } from './policy.js';
import { bare, describe, presets } from './presets.js';

const usual = { rate: 20, arrivals: 'constant', handrolled: 0.5 };
const modes = ['automatic', 'open', 'closed', 'observe'];
const calls = ['all', 'failed', 'retried', 'rejected'];

// longest is how long a fault document in an address may be: more is no link any more, and
// might be nested deeper than can be walked.
const longest = 8000;

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// leaves are the values of a document by their paths.
function leaves(document, path = '') {
  return Object.entries(document).flatMap(([name, value]) => (value !== null && typeof value === 'object' && !Array.isArray(value)
    ? leaves(value, `${path}${name}.`) : [[`${path}${name}`, value]]));
}

// switched is an order with policies put where they belong, or taken out.
const switched = (order, switches) => outermostFirst.reduce((now, name) => (
  (switches[name] === 'on') === now.includes(name) || !switches[name] ? now : placed(now, name, switches[name] === 'on')), order);

// written is a situation as an address has it.
function written({ fault, document, policy, boot, load, modes: now, filter }) {
  const parts = [];
  const add = (name, value) => parts.push(`${name}=${encodeURIComponent(value).replace(/%2C/g, ',').replace(/%2F/g, '/')}`);
  if (fault.name === 'custom') add('faults', JSON.stringify(document));
  else if (presets[fault.name] && fault.name !== 'healthy') {
    add('fault', fault.name);
    if (fault.value !== presets[fault.name].dial?.value && presets[fault.name].dial) add('dial', fault.value);
  }
  const switches = {};
  for (const name of outermostFirst) {
    if (policy.order.includes(name) === boot.order.includes(name)) continue;
    switches[name] = policy.order.includes(name) ? 'on' : 'off';
    add(name, switches[name]);
  }
  if (!same(switched(boot.order, switches), policy.order)) add('order', policy.order.join(',') || 'none');
  const before = new Map(leaves(boot));
  for (const [path, value] of leaves(policy)) if (path !== 'order' && before.get(path) !== value) add(path, value);
  if (load.rate !== usual.rate) add('load', load.rate);
  if (load.arrivals !== usual.arrivals) add('arrivals', load.arrivals);
  if (load.handrolled !== usual.handrolled) add('share', load.handrolled);
  for (const [engine, mode] of Object.entries(now)) if (mode !== 'automatic') add(`mode.${engine}`, mode);
  if (filter !== 'all') add('calls', filter);
  return parts.join('&');
}

// read is a situation again: the documents to be put in force, and what was not understood.
function read(text, boot) {
  const situation = { document: {}, policy: structuredClone(boot), load: { ...usual }, modes: Object.fromEntries(engines.map((e) => [e, 'automatic'])), unknown: [], filter: undefined, trace: undefined };
  const known = new Map(leaves(boot));
  const switches = {};
  let dial, fault, order;
  for (const [name, value] of new URLSearchParams(text)) {
    if (name === 'fault' && Object.hasOwn(presets, value)) fault = value;
    else if (name === 'dial' && number(value)) dial = Number(value);
    else if (name === 'faults' && object(value)) situation.document = object(value);
    else if (engines.some((engine) => name === `mode.${engine}`) && modes.includes(value)) situation.modes[name.slice(5)] = value;
    else if (outermostFirst.includes(name) && ['on', 'off'].includes(value)) switches[name] = value;
    else if (name === 'order') order = value === 'none' ? [] : value.split(',');
    else if (name === 'load' && number(value)) situation.load.rate = Number(value);
    else if (name === 'share' && number(value)) situation.load.handrolled = Number(value);
    else if (name === 'arrivals') situation.load.arrivals = value;
    else if (name === 'calls' && calls.includes(value)) situation.filter = value;
    else if (name === 'trace' && /^[0-9a-f]{32}$/.test(value)) situation.trace = value;
    else if (known.has(name) && fits(value, known.get(name))) put(situation.policy, name, typed(value, known.get(name)));
    else situation.unknown.push(`${name}=${value}`);
  }
  if (dial !== undefined && !presets[fault]?.dial) situation.unknown.push(`dial=${dial}`);
  if (fault) situation.document = presets[fault].make(dial ?? presets[fault].dial?.value);
  situation.policy.order = order ?? switched(boot.order, switches);
  return situation;
}

function object(text) {
  if (text.length > longest) return null;
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

const number = (text) => text.trim() !== '' && Number.isFinite(Number(text));

const fits = (text, like) => (typeof like === 'number' ? number(text) : typeof like !== 'boolean' || text === 'true' || text === 'false');

const typed = (text, like) => (typeof like === 'number' ? Number(text) : typeof like === 'boolean' ? text === 'true' : text);

// told is a document in words, whatever it is: caller says what is wrong with it.
function told(document) {
  const raw = JSON.stringify(document);
  try {
    const words = describe(document);
    return /undefined|NaN|\[object/.test(words) || (words === 'healthy' && raw !== '{}') ? raw : words;
  } catch {
    return raw;
  }
}

export class Link {
  #offered = null;
  #written = '';

  constructor(parts) {
    Object.assign(this, parts); // faults, policy, load, breakers, calls, openTrace
    byId('link-apply').addEventListener('click', () => this.#apply());
    byId('link-dismiss').addEventListener('click', () => this.#close());
    addEventListener('hashchange', () => this.open());
  }

  get #ready() { return this.policy.answer && this.faults.known && this.load.known; }

  // open looks at the address, once what is in force is known.
  open() {
    const text = location.hash.slice(1);
    if (!this.#ready || text === this.#written) return;
    this.#written = text;
    if (text === '') return this.#close();
    const wanted = read(text, this.policy.answer.boot);
    if (wanted.filter) this.calls.filter(wanted.filter);
    if (wanted.trace) {
      this.openTrace(wanted.trace);
      return this.#close();
    }
    this.#offered = wanted;
    set(byId('link-error'), '');
    this.#offer();
  }

  // offer tells what would become different, or is over where nothing would.
  #offer() {
    const { unknown } = this.#offered;
    const list = [...this.#changes(this.#offered), ...unknown.map((text) => `not understood: ${text.slice(0, 200)}`)];
    if (!list.length) return this.#close();
    byId('link-apply').hidden = list.length === unknown.length;
    const element = byId('link-changes');
    if ([...element.children].map((item) => item.textContent).join('\n') !== list.join('\n')) element.replaceChildren(...list.map((text) => el('li', {}, text)));
    byId('link-offer').hidden = false;
  }

  // changes tells what would become different, in words.
  #changes({ document, policy, load, modes: wanted }) {
    const now = this.policy.answer.policy;
    const list = [];
    if (bare(document, false) !== bare(this.faults.document ?? {}, this.faults.seedDrawn)) list.push(`flaky: ${told(document)}${this.faults.document ? '' : ', which cannot be changed here'}`);
    if (!same(policy.order, now.order)) list.push(`policies: ${policy.order.join(' ▸ ') || 'none'}`);
    const before = new Map(leaves(now));
    for (const [path, value] of leaves(policy)) if (path !== 'order' && before.get(path) !== value) list.push(`${path}: ${value}`);
    for (const [name, value] of Object.entries(load)) if (this.load.inForce[name] !== value) list.push(`load, ${name}: ${value}`);
    for (const [engine, mode] of Object.entries(wanted)) if (this.breakers.modes[engine] !== mode) list.push(`breaker, ${engine}: ${mode}`);
    return list;
  }

  async #apply() {
    const { document, policy, load, modes: wanted } = this.#offered;
    const done = [];
    try {
      await this.policy.put(policy);
      done.push('policies');
      await this.load.change(load);
      done.push('load');
      for (const [engine, mode] of Object.entries(wanted)) await this.breakers.hold(engine, mode);
      done.push('breakers');
      if (this.faults.document) await this.faults.put(document);
      this.#close();
    } catch (error) {
      set(byId('link-error'), `${error.message}${done.length ? `; already in force: ${done.join(' and ')}` : ''}`);
    }
  }

  #close() {
    this.#offered = null;
    set(byId('link-error'), '');
    if (byId('link-offer').contains(document.activeElement)) byId('main').focus();
    byId('link-offer').hidden = true;
    this.write();
  }

  // write keeps the address up to date, unless it holds what is offered.
  write() {
    if (!this.#ready) return;
    if (location.hash.slice(1) !== this.#written) return this.open(); // it was not written here, and nobody has looked at it yet
    if (this.#offered) {
      this.#offer(); // somebody may have changed something meanwhile
      return;
    }
    const { answer } = this.policy;
    const text = written({
      fault: this.faults.inForce, document: this.faults.written, policy: answer.policy, boot: answer.boot,
      load: this.load.inForce, modes: this.breakers.modes, filter: this.calls.filtered,
    });
    if (text === this.#written && location.hash.slice(1) === text) return;
    this.#written = text;
    globalThis.history.replaceState(null, '', text ? `#${text}` : location.pathname);
  }
}
