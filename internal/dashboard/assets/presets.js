// What can be broken with one click. A preset is a fault document with one dial, and what
// there is to see when it is in force.

import { duration, milliseconds, percent, plural } from './units.js';

const share = { label: 'of requests', min: 0.05, max: 1, step: 0.05, format: percent };

// make returns the document for a dial's value; read finds that value in a document.
export const presets = {
  healthy: {
    label: 'healthy', make: () => ({}), read: () => 0,
    watch: 'Nothing is injected. Success is 100 %, and as much is sent as is offered.',
  },
  errors: {
    label: 'errors', dial: { ...share, value: 1 }, make: (v) => ({ error_rate: v }), read: (d) => d.error_rate,
    watch: 'Answers are 503. All of them: both breakers open after some failures in a row, then probe. Three in ten: retries hide most, at a price, until five in a row open a breaker; take it out of the path to see retries alone.',
  },
  slow: {
    label: 'slow', dial: { label: 'median', min: 20, max: 2000, step: 10, value: 200, format: duration },
    make: (v) => ({ latency: { distribution: 'lognormal', median: `${v}ms`, p99: `${4 * v}ms` } }), read: (d) => milliseconds(d.latency?.median),
    watch: 'Answers take longer than the timeout allows for some attempts: they are cut off and made again, elsewhere in the distribution.',
  },
  hang: {
    label: 'hang', dial: { ...share, value: 1 }, make: (v) => ({ hang: { rate: v } }), read: (d) => d.hang?.rate,
    watch: 'No answer ever. Every attempt costs its whole timeout, until the breaker opens and calls fail at once. Without a timeout calls wait for five minutes, healed or not.',
  },
  reset: {
    label: 'reset', dial: { ...share, value: 0.3 }, make: (v) => ({ reset: { rate: v } }), read: (d) => d.reset?.rate,
    watch: 'Connections are torn down before an answer. A retry has a fresh connection, and mostly succeeds.',
  },
  flapping: {
    label: 'flapping', dial: { label: 'bad time, after 10 s of good', min: 1, max: 30, step: 1, value: 5, format: (v) => duration(1000 * v) },
    make: (v) => ({ loop: true, schedule: [{ for: '10s' }, { for: `${v}s`, error_rate: 1 }] }), read: (d) => milliseconds(d.schedule?.[1]?.for) / 1000,
    watch: 'Good and bad by turns. A breaker that opens for long sleeps through the good; one that probes soon keeps up.',
  },
  overload: {
    label: 'overload', dial: { label: 'requests it can serve', min: 5, max: 1000, step: 5, value: 15, format: (v) => `${v}/s` },
    make(v) {
      const workers = Math.ceil(v / 50);
      return { capacity: { workers, queue: 20 * workers, service_time: { value: `${Math.round((1e6 * workers) / v) / 1000}ms` } } };
    },
    read: (d) => Math.round((1000 * d.capacity?.workers) / milliseconds(d.capacity?.service_time?.value)),
    watch: 'More arrives than it can serve: the queue grows past the timeout, work is done for clients that have gone, and every retry adds to it.',
  },
  dead: {
    label: 'dead', make: () => ({ crash: { after: '0s', back_after: '5m0s' } }), read: () => 0,
    watch: 'Nobody listens, connections are refused. (In a cluster Kubernetes starts it again: scale it to 0 replicas instead.)',
  },
};

// defaults are what a document says when it is asked for without being told.
const defaults = {
  error_status: 503, 'latency.distribution': 'fixed', 'latency.rate': 1, 'latency.cap': '5m0s', 'hang.cap': '5m0s', 'reset.at': 'start',
  'capacity.service_time.distribution': 'fixed', 'capacity.service_time.cap': '5m0s', 'capacity.discipline': 'fifo', 'capacity.drop_abandoned': false,
  'crash.after': '100ms', 'crash.exit_code': 1, 'crash.back_after': '5s',
};

// plain lets a duration be the same however it is written.
function plain(value) {
  const ms = typeof value === 'string' ? milliseconds(value) : NaN;
  return Number.isNaN(ms) ? value : `${ms}ms`;
}

// bare is a document without its seed and its defaults, as a text that is the same for the same.
export function bare(document, seedDrawn) {
  const walk = (value, path) => {
    if (Array.isArray(value)) return value.map((v) => walk(v, ''));
    if (typeof value !== 'object' || value === null) return plain(value);
    return Object.fromEntries(Object.keys(value).sort().filter((name) => {
      const whole = path ? `${path}.${name}` : name;
      return !(whole === 'seed' && seedDrawn) && plain(defaults[whole]) !== plain(value[name]);
    }).map((name) => [name, walk(value[name], path ? `${path}.${name}` : name)]));
  };
  return JSON.stringify(walk(document, ''));
}

// recognise finds the preset that a document is, and its dial's value.
export function recognise(document, seedDrawn) {
  const text = bare(document, seedDrawn);
  for (const [name, preset] of Object.entries(presets)) {
    const value = preset.read(document);
    if (Number.isFinite(value) && bare(preset.make(value), false) === text) return { name, value };
  }
  return null;
}

// describe is a document in a few words.
export function describe(d) {
  const words = [];
  if (Array.isArray(d.schedule)) words.push(`${d.loop ? 'in a loop' : 'once'}: ${d.schedule.map((p) => `${p?.for} ${describe(p ?? {})}`).join(', ')}`);
  if (d.unready) words.push('not ready');
  if (d.crash) words.push('crashed');
  if (d.latency) words.push(`latency ${d.latency.distribution ?? 'fixed'} ${d.latency.value ?? d.latency.median ?? d.latency.mean ?? `${d.latency.min} to ${d.latency.max}`}`);
  if (d.reset?.rate) words.push(`reset ${percent(d.reset.rate)}`);
  if (d.hang?.rate) words.push(`hang ${percent(d.hang.rate)}`);
  if (d.fail_first) words.push(`the first ${d.fail_first.count} fail`);
  if (d.error_rate) words.push(`${d.error_status ?? 503} for ${percent(d.error_rate)}`);
  if (d.capacity) words.push(`${plural(d.capacity.workers, 'worker')}, queue of ${d.capacity.queue ?? 0}`);
  if (d.truncate?.rate) words.push(`truncated ${percent(d.truncate.rate)}`);
  if (d.drip?.rate) words.push(`drip ${percent(d.drip.rate)}`);
  return words.join(', ') || 'healthy';
}
