// Traces: fetched when somebody looks, and shown in place or in a dialog.

import { get } from './api.js';
import { byId, el, set } from './dom.js';
import { spansPicture } from './waterfall.js';

// fetched are promises of traces, so that one is asked for once; the oldest make room.
const fetched = new Map();
const atMost = 300;

// fetchTrace asks for a trace. A span is there when it has ended, so one that is asked for
// too early is not kept.
export function fetchTrace(id) {
  if (!fetched.has(id)) {
    const asked = get(`/api/traces/${id}`);
    asked.then(({ spans }) => {
      if (!spans.some((s) => !s.parent_id)) fetched.delete(id); // its first span has not ended yet
    }, () => fetched.delete(id));
    fetched.set(id, asked);
    if (fetched.size > atMost) fetched.delete(fetched.keys().next().value);
  }
  return fetched.get(id);
}

// showTrace fills an element with a trace, or says why it cannot.
export async function showTrace(element, id, url) {
  element.replaceChildren(el('p', { className: 'hint' }, 'Looking for its spans …'));
  let content;
  try {
    content = spansPicture(await fetchTrace(id));
  } catch (error) {
    content = [el('p', { className: 'hint' }, error.status === 404
      ? 'Its spans are no longer in memory, where the latest 1,000 traces are, and those that changed a breaker.'
      : `No spans: ${error.message}`)];
  }
  element.replaceChildren(...content, el('p', { className: 'hint' }, `trace ${id} `, url ? jaeger(url) : ''));
}

const jaeger = (url) => el('a', { href: url, target: '_blank', rel: 'noreferrer' }, 'in Jaeger ↗');

// traceLink opens a trace in the dialog.
export function traceLink(id, url, text) {
  return el('a', { className: 'trace', href: `#trace=${id}`, onclick: (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    openTrace(id, url);
  } }, text);
}

export function openTrace(id, url) {
  set(byId('trace-title'), `Trace ${id.slice(0, 8)}…`);
  byId('trace').showModal();
  return showTrace(byId('trace-body'), id, url);
}
