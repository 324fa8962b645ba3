// The picture of a call, the same everywhere: a bar is an attempt, a dotted line the
// back-off before the next one, a cut end a timeout, a cross what was turned away without a
// call. It is drawn from what caller answered; of its trace there are the spans below.

import { el } from './dom.js';
import { duration, plural } from './units.js';

const causes = {
  open: 'breaker open', bulkhead: 'bulkhead full', rate_limit: 'rate limit', refused: 'connection refused', lookup: 'no address', unreachable: 'unreachable',
  reset: 'connection reset', closed: 'closed before an answer', truncated: 'answer broke off', timeout: 'timeout', canceled: 'canceled', other: 'failed',
};

// told is an attempt's result in words.
function told(a) {
  if (a.result === 'ok') return String(a.status);
  if (a.result === 'error' && a.cause === 'status') return String(a.status);
  return causes[a.cause] ?? a.result;
}

// attemptsPicture is as wide as its call took, in parts of the list's scale.
export function attemptsPicture(call) {
  const whole = Math.max(call.elapsed_ms, 0.001);
  const picture = el('span', { className: 'picture', 'aria-hidden': 'true' });
  picture.style.setProperty('--ms', whole);
  let end = 0;
  for (const a of call.attempts ?? []) {
    if (end > 0 && a.start_ms - end > whole / 500) picture.append(place(el('i', { className: 'wait' }), end, a.start_ms - end, whole));
    const bar = el('i', { className: `bar ${a.result}`, title: `attempt ${a.attempt}: ${told(a)} after ${duration(a.duration_ms)}` }, el('span', {}, a.result === 'rejected' ? '✕' : told(a)));
    picture.append(place(bar, a.start_ms, a.duration_ms, whole));
    end = a.start_ms + a.duration_ms;
  }
  if (!call.attempts?.length) picture.append(place(el('i', { className: 'bar rejected' }, el('span', {}, '✕')), 0, whole, whole));
  return picture;
}

function place(element, start, length, whole) {
  element.style.left = `${(100 * start) / whole}%`;
  element.style.width = `${(100 * length) / whole}%`;
  return element;
}

// attemptsTold is the same in words, for those who do not see the picture.
export function attemptsTold(call) {
  return (call.attempts ?? []).map((a, i, all) => {
    const before = all[i - 1];
    const wait = before ? a.start_ms - before.start_ms - before.duration_ms : 0;
    return [
      before && wait > 0 ? `waited ${duration(wait)}` : null,
      `attempt ${a.attempt}: ${told(a)}${a.served_by ? ` from ${a.served_by}` : ''} after ${duration(a.duration_ms)}${a.reused ? ', on a kept connection' : ''}`,
    ].filter(Boolean).join(', ');
  }).join('; ');
}

// spansPicture draws spans below their parents, on one scale, with what they know and the
// log lines that were written within.
export function spansPicture({ spans, logs }) {
  const start = Math.min(...spans.map((s) => Date.parse(s.start) + fraction(s.start)));
  const whole = Math.max(0.001, ...spans.map((s) => offset(s.start, start) + s.duration_ms));
  const list = el('ol', { className: 'waterfall' });
  const rows = ordered(spans);
  rows.forEach(({ span, depth }, i) => {
    const at = offset(span.start, start);
    const gap = attemptGap(rows, i, start);
    if (gap) list.append(waitRow(gap, depth, whole));
    const bar = place(el('i', { className: `bar ${span.error ? 'error' : 'ok'}${timedOut(span) ? ' timeout' : ''}` }), at, span.duration_ms, whole);
    const head = el('span', { className: 'name' }, el('b', {}, span.service ?? ''), ` ${span.name}`, el('small', {}, ` ${facts(span)}`));
    head.style.setProperty('--depth', depth);
    list.append(el('li', { className: `span ${span.kind}` }, el('details', {}, el('summary', {}, head,
      el('span', { className: 'track', 'aria-hidden': 'true' }, bar), el('span', { className: 'took' }, duration(span.duration_ms))), knows(span))));
  });
  const children = [list];
  if (logs?.length) children.push(logLines(logs, start));
  return children;
}

// attemptGap is the back-off before a client span that is not the first of its parent.
function attemptGap(rows, i, start) {
  const { span } = rows[i];
  if (span.kind !== 'client') return null;
  const before = rows.slice(0, i).map((r) => r.span).filter((s) => s.kind === 'client' && s.parent_id === span.parent_id).at(-1);
  if (!before) return null;
  const end = offset(before.start, start) + before.duration_ms;
  const wait = offset(span.start, start) - end;
  return wait > 0.05 ? { end, wait } : null;
}

function waitRow({ end, wait }, depth, whole) {
  const name = el('span', { className: 'name' }, el('small', {}, 'back-off'));
  name.style.setProperty('--depth', depth);
  return el('li', { className: 'backoff row' }, name, el('span', { className: 'track', 'aria-hidden': 'true' }, place(el('i', { className: 'wait' }), end, wait, whole)), el('span', { className: 'took' }, duration(wait)));
}

const timedOut = (span) => span.kind === 'client' && /deadline|timeout|timed out/i.test(span.error ?? '');

function facts(span) {
  const a = span.attributes ?? {};
  return [
    a['http.request.resend_count'] ? `attempt ${a['http.request.resend_count'] + 1}` : null,
    a['http.response.status_code'] ?? null,
    a['reliability.outcome'] ?? null,
    a['reliability.attempts'] ? plural(a['reliability.attempts'], 'attempt') : null,
    a['server.address'] && span.kind === 'server' ? `on ${a['server.address']}` : null,
    a['reliability.faults'] ? `injected: ${[a['reliability.faults']].flat().join(', ')}` : null,
    span.error || null,
  ].filter((x) => x !== null).join(' · ');
}

// knows is everything that a span carries.
function knows(span) {
  const lines = Object.entries(span.attributes ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, String(value)]);
  for (const e of span.events ?? []) lines.push([`event: ${e.name}`, Object.entries(e.attributes ?? {}).map(([n, v]) => `${n}=${v}`).join(' ')]);
  for (const l of span.links ?? []) lines.push(['link', `trace ${l.trace_id}`]);
  return el('dl', {}, ...lines.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
}

function logLines(logs, start) {
  return el('div', { className: 'logs' }, el('h4', {}, 'Log lines of this trace'), el('ol', {}, ...logs.map((line) => el('li', {},
    el('small', {}, `+${duration(Math.max(0, offset(line.time, start)))}`), ' ', el('b', { className: `level-${String(line.level).toLowerCase()}` }, line.level), ` ${line.service ?? ''} `, line.message, ' ',
    el('small', {}, Object.entries(line.attributes ?? {}).map(([n, v]) => `${n}=${typeof v === 'object' ? JSON.stringify(v) : v}`).join(' '))))));
}

// ordered is parents before their children, by their start.
function ordered(spans) {
  const byParent = new Map();
  const ids = new Set(spans.map((s) => s.span_id));
  for (const s of spans) {
    const parent = ids.has(s.parent_id) ? s.parent_id : '';
    byParent.set(parent, [...(byParent.get(parent) ?? []), s]);
  }
  const rows = [];
  const walk = (parent, depth) => {
    for (const span of byParent.get(parent) ?? []) {
      rows.push({ span, depth });
      walk(span.span_id, depth + 1);
    }
  };
  walk('', 0);
  return rows;
}

// A Date holds milliseconds; what is below them stands in the text.
const fraction = (time) => Number(`0.${(/\.(\d+)/.exec(time)?.[1] ?? '').slice(3) || 0}`);
const offset = (time, start) => Date.parse(time) + fraction(time) - start;
