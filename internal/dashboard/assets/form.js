// Forms over the JSON documents of the API. A form shows what is in force; a field that its
// user has changed is the user's until it is sent or taken back, whatever happens meanwhile.
//
// A group is {title, path, on, fields}: with a path it is an object of the document, and
// with on it has a checkbox, without which the object is left out. A field is {path, label,
// kind, hint}: kind is number, text (a duration, say), bool, json, or an array of choices; when,
// if there is one, says by the form's values whether the field means anything now.

import { attribute, el, set } from './dom.js';

let forms = 0;

const at = (document, path) => path.split('.').reduce((part, name) => part?.[name], document);

// put sets a value in a document, with the objects on the way to it.
export function put(document, path, value) {
  const names = path.split('.');
  const last = names.pop();
  let part = document;
  for (const name of names) part = part[name] ??= {};
  part[last] = value;
}

export class Form {
  #fields = new Map(); // by path: {field, input, error, hint, row, now, inForce, touched}
  #groups = [];
  #prefix = `form-${forms++}`;

  // Send is called with the form when it is submitted.
  constructor(root, groups, send) {
    this.root = root;
    this.general = el('p', { className: 'error', role: 'alert', hidden: true });
    this.submit = el('button', { type: 'submit', disabled: true }, 'Apply');
    this.discard = el('button', { type: 'button', disabled: true, onclick: () => this.forget() }, 'Discard');
    root.noValidate = true; // what is allowed, caller says
    root.append(...groups.map((group) => this.#group(group)), el('div', { className: 'foot' }, this.general, this.submit, this.discard));
    root.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.dirty > 0) send(this);
    });
    root.addEventListener('focusout', () => setTimeout(() => this.#changed()));
    root.addEventListener('input', ({ target }) => {
      const part = this.#fields.get(target.name) ?? this.#groups.find((g) => g.input === target);
      if (part) part.touched = read(part.input) !== part.inForce;
      if (part?.error) this.#pass(part);
      this.#changed();
    });
    root.addEventListener('focusout', ({ target }) => {
      const f = this.#fields.get(target.name);
      if (f) this.#settle(f);
    });
  }

  #group(group) {
    const rows = group.fields.map((field) => this.#field(field));
    const body = el('div', { className: 'fields' }, ...rows);
    if (!group.on) return el('fieldset', {}, el('legend', {}, group.title), group.hint ? el('p', { className: 'hint' }, group.hint) : '', body);
    const box = el('input', { type: 'checkbox', name: `${group.path}.on` });
    const fieldset = el('fieldset', {}, el('legend', {}, el('label', {}, box, ` ${group.title}`)), el('p', { className: 'hint' }, group.hint ?? ''), body);
    this.#groups.push({ group, input: box, body, inForce: false, touched: false });
    return fieldset;
  }

  #field(field) {
    const id = `${this.#prefix}-${field.path}`;
    const input = control(field, id);
    const hint = el('small', { id: `${id}-hint`, className: 'hint' }, field.hint);
    const error = el('small', { id: `${id}-error`, className: 'error', hidden: true });
    const now = el('small', { className: 'now', hidden: true });
    attribute(input, 'aria-describedby', hint.id);
    const row = el('div', { className: `field kind-${Array.isArray(field.kind) ? 'choice' : field.kind}` }, el('label', { htmlFor: id }, field.label), input, error, now, hint);
    this.#fields.set(field.path, { field, input, error, hint, row, now, inForce: '', touched: false });
    return row;
  }

  // show takes the document in force. Fields that are being changed keep what they have.
  show(document) {
    for (const g of this.#groups) {
      g.inForce = at(document, g.group.path) !== undefined;
      this.#settle(g);
    }
    for (const f of this.#fields.values()) {
      f.inForce = written(f.field, at(document, f.field.path));
      if (f.input !== globalThis.document.activeElement || f.input.type === 'checkbox') this.#settle(f); // nothing changes under the hand
    }
    this.#changed();
  }

  // settle shows what is in force in a field that its user has not changed.
  #settle(f) {
    if (this.#dirty(f)) return;
    f.touched = false;
    write(f.input, f.inForce);
  }

  // now says what is in force, where a field has something else.
  #now(f) {
    f.now.hidden = read(f.input) === f.inForce;
    set(f.now, f.now.hidden ? '' : `in force: ${{ '': 'none', true: 'on', false: 'off' }[f.inForce] ?? f.inForce}`);
  }

  #dirty(f) { return f.touched && read(f.input) !== f.inForce; }

  #changed() {
    for (const f of this.#fields.values()) {
      f.row.classList.toggle('dirty', this.#dirty(f));
      this.#now(f);
    }
    const values = this.#values();
    for (const f of this.#fields.values()) f.row.hidden = f.field.when ? !f.field.when(values) : false;
    for (const g of this.#groups) g.body.hidden = !g.input.checked;
    const n = this.dirty;
    for (const button of [this.submit, this.discard]) button.disabled = n === 0 && button !== globalThis.document.activeElement; // which would lose the focus
    set(this.submit, n === 0 ? 'Apply' : `Apply ${n} change${n > 1 ? 's' : ''}`);
  }

  #values() {
    const values = {};
    for (const [path, f] of this.#fields) values[path] = read(f.input);
    return values;
  }

  get dirty() {
    return [...this.#fields.values(), ...this.#groups].filter((part) => this.#dirty(part) && !part.input.closest('[hidden]')).length;
  }

  // changes is what differs from what is in force: a merge patch.
  changes() {
    const patch = {};
    for (const [path, f] of this.#fields) if (this.#dirty(f)) put(patch, path, parsed(f.field, read(f.input)));
    return patch;
  }

  // document is everything that the form says, without what is empty, off or of no meaning.
  document() {
    const document = {};
    const off = this.#groups.filter((g) => !g.input.checked).map((g) => `${g.group.path}.`);
    for (const g of this.#groups) if (g.input.checked) document[g.group.path] = {};
    const values = this.#values();
    for (const [path, f] of this.#fields) {
      if (off.some((o) => path.startsWith(o)) || values[path] === '' || values[path] === false || (f.field.when && !f.field.when(values))) continue;
      put(document, path, parsed(f.field, values[path]));
    }
    return document;
  }

  // refused marks what caller refuses, each at its field in caller's words.
  refused(error) {
    this.accepted();
    const elsewhere = [];
    let first;
    for (const { field, value, allowed } of error.fields ?? []) {
      const f = this.#fields.get(field) ?? this.#fields.get(field.replace(/\[.*$/, ''));
      const text = `must be ${allowed}`;
      if (!f) {
        elsewhere.push(`${field}${value === undefined ? '' : ` is ${JSON.stringify(value)}`}: ${text}`);
        continue;
      }
      set(f.error, f.field.path === field ? text : `${field}: ${text}`);
      f.error.hidden = false;
      f.row.hidden = false;
      f.input.setAttribute('aria-invalid', 'true');
      f.input.setAttribute('aria-describedby', `${f.error.id} ${f.hint.id}`);
      first ??= f.input;
    }
    if (!error.fields?.length) elsewhere.push(error.message);
    set(this.general, elsewhere.join('\n'));
    this.general.hidden = elsewhere.length === 0;
    for (let part = first?.parentElement; part && part !== this.root.parentElement?.parentElement; part = part.parentElement) if (part.tagName === 'DETAILS') part.open = true;
    first?.focus();
  }

  accepted() {
    this.general.hidden = true;
    for (const f of this.#fields.values()) this.#pass(f);
  }

  // pass takes a mark off.
  #pass(f) {
    f.error.hidden = true;
    f.input.removeAttribute('aria-invalid');
    f.input.setAttribute('aria-describedby', f.hint.id);
  }

  // sending is called with what is sent, and sends it. What was changed meanwhile stays.
  async sending(document, send) {
    const sent = [...this.#fields.values(), ...this.#groups].map((part) => [part, read(part.input)]);
    try {
      await send(document);
    } catch (error) {
      this.refused(error);
      return;
    }
    this.#forget(sent.filter(([part, value]) => read(part.input) === value).map(([part]) => part));
  }

  // forget takes back what was changed and not sent.
  forget() { this.#forget([...this.#fields.values(), ...this.#groups]); }

  #forget(parts) {
    this.accepted();
    for (const part of parts) {
      part.touched = false;
      this.#settle(part);
    }
    this.#changed();
  }
}

function control({ path, kind }, id) {
  if (Array.isArray(kind)) return el('select', { id, name: path }, ...kind.map((choice) => el('option', { value: choice }, choice === '' ? '(not given)' : choice)));
  if (kind === 'json') return el('textarea', { id, name: path, rows: 4, spellcheck: false });
  if (kind === 'bool') return el('input', { id, name: path, type: 'checkbox' });
  return el('input', { id, name: path, type: 'text', inputMode: kind === 'number' ? 'decimal' : 'text', autocomplete: 'off', spellcheck: false });
}

const read = (input) => (input.type === 'checkbox' ? input.checked : input.value.trim());

function write(input, value) {
  if (input.type === 'checkbox') input.checked = value === true;
  else if (input.value !== String(value)) input.value = value;
}

function written({ kind }, value) {
  if (kind === 'bool') return value === true;
  if (value === undefined || value === null) return '';
  return kind === 'json' ? JSON.stringify(value, null, 1) : String(value);
}

// parsed is a field's text as JSON. What is none is sent as it is, for caller to refuse.
function parsed({ kind }, text) {
  if (text === '') return null;
  if (kind === 'number') return Number.isFinite(Number(text)) ? Number(text) : text;
  if (kind !== 'json') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
