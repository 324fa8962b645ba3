// What happened in the last two minutes, from counts that only grow: a rate is the
// difference of two readings divided by the time between them.

export const seconds = 120;
export const engines = ['handrolled', 'gobreaker'];

// causes of a call or an attempt being turned away without asking the dependency.
const causes = ['open', 'bulkhead', 'rate_limit'];

// sample takes what is drawn from a state, or from a moment of /api/history.
function sample(m) {
  const s = {
    t: Date.parse(m.now) / 1000, offered: m.load.dropped, dropped: m.load.dropped, calls: 0, succeeded: 0, ended: 0, answered: 0, retries: 0, timeouts: 0, open: 0, bulkhead: 0, rate_limit: 0, sent: 0,
    p50: m.latency?.calls ? m.latency.p50_ms : NaN, p99: m.latency?.calls ? m.latency.p99_ms : NaN, pods: {}, states: {}, turnedAway: {},
  };
  for (const engine of engines) {
    const e = m.engines[engine];
    s.offered += e.calls + e.in_flight;
    s.calls += e.calls;
    s.succeeded += e.outcomes.success ?? 0;
    s.ended += e.attempts - (e.results.rejected ?? 0); // attempts that reached flaky, of calls that have ended
    s.answered += e.results.ok ?? 0;
    s.retries += e.retries;
    s.timeouts += e.results.timeout ?? 0;
    for (const cause of causes) s[cause] += e.rejections[cause] ?? 0;
    s.sent += e.sent;
    s.turnedAway[engine] = e.rejections.open ?? 0;
    s.states[engine] = e.breaker?.state ?? e.state;
  }
  for (const pod of m.pods) s.pods[pod.served_by] = pod.answers;
  return s;
}

// History is samples, the oldest first, and every change of a breaker's state.
export class History {
  samples = [];
  transitions = { handrolled: [], gobreaker: [] };
  would = {}; // by engine: when it would have opened, had it not only observed
  filled = 0; // how often caller's memory has come
  since = '';

  // fill replaces everything by what caller remembers.
  fill({ moments, transitions }) {
    this.filled++;
    const known = this.samples;
    this.samples = moments.map(sample);
    const last = this.samples.at(-1)?.t ?? 0;
    this.samples.push(...known.filter((s) => s.t > last));
    for (const engine of engines) {
      const before = transitions[engine] ?? [];
      const latest = before.length ? Date.parse(before.at(-1).at) : 0;
      this.transitions[engine] = [...before, ...this.transitions[engine].filter((t) => Date.parse(t.at) > latest)];
    }
  }

  // add takes a state. It reports whether history begins anew: another process answers, or
  // its clock was put back.
  add(state) {
    const s = sample(state);
    const back = this.now - s.t; // NaN at the beginning
    const anew = (this.since !== '' && this.since !== state.since) || back > 1;
    if (anew) this.clear();
    else if (back >= 0) return false;
    this.since = state.since;
    this.samples.push(s);
    while (this.samples[0].t < s.t - seconds - 5) this.samples.shift();
    return anew;
  }

  clear() {
    this.samples = [];
    for (const engine of engines) this.transitions[engine] = [];
    this.would = {};
  }

  changed(engine, transition) {
    const list = this.transitions[engine];
    list.push(transition);
    if (list.length > 200) list.shift();
  }

  // turnedAway counts what a breaker turned away since a time, if that is remembered.
  turnedAway(engine, since) {
    const before = this.samples.findLast((s) => s.t <= since);
    return before ? this.samples.at(-1).turnedAway[engine] - before.turnedAway[engine] : NaN;
  }

  get now() { return this.samples.at(-1)?.t ?? NaN; }

  // last is what happened in the last so many seconds, or as far back as is known.
  last(window) { return between(this.#before(this.samples.length - 1, window), this.samples.at(-1)); }

  // each is that for every sample.
  each(window) {
    let from = 0;
    return this.samples.map((s) => {
      while (this.samples[from + 1]?.t <= s.t - window) from++;
      return between(this.samples[from], s);
    });
  }

  #before(i, window) {
    const end = this.samples[i]?.t - window;
    while (i > 0 && this.samples[i].t > end) i--;
    return this.samples[i];
  }

  // points is a breaker's states: [from when, which]. A state lasts until the next point.
  points(engine) {
    const points = this.samples.map((s) => [s.t, s.states[engine]]);
    const changes = this.transitions[engine];
    for (const t of changes) points.push([Date.parse(t.at) / 1000, t.to]);
    return points.sort((a, b) => a[0] - b[0]);
  }
}

function between(a, b) {
  const d = { t: b?.t, dt: a && b ? b.t - a.t : 0, p50: b?.p50, p99: b?.p99, pods: {} };
  for (const name of ['offered', 'dropped', 'calls', 'succeeded', 'ended', 'answered', 'retries', 'timeouts', 'sent', ...causes]) {
    d[name] = d.dt > 0 ? Math.max(0, b[name] - a[name]) : NaN;
  }
  for (const [pod, answers] of Object.entries(b?.pods ?? {})) d.pods[pod] = answers - (a?.pods[pod] ?? 0);
  return d;
}
