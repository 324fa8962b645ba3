// Every field of the two documents, in the words of docs/faults.md and docs/api.md.

const duration = 'such as 250ms, 2s or 1m';
const share = 'a share of requests, 0 to 1';

// distribution is the fields of one: which of them mean something hangs on its kind.
function distribution(path, what) {
  const of = (...kinds) => (values) => kinds.includes(values[`${path}.distribution`] || 'fixed');
  const parameter = (name, kinds, hint) => ({ path: `${path}.${name}`, label: name, kind: 'text', hint: `${hint}, ${duration}`, when: of(...kinds) });
  return [
    { path: `${path}.distribution`, label: 'distribution', kind: ['fixed', 'uniform', 'normal', 'lognormal'], hint: `of ${what}; log-normal is what real services look like` },
    parameter('value', ['fixed'], 'the same for every request'),
    parameter('min', ['uniform'], 'the shortest'), parameter('max', ['uniform'], 'the longest'),
    parameter('mean', ['normal'], 'the mean'), parameter('stddev', ['normal'], 'the standard deviation'),
    parameter('median', ['lognormal'], 'half of all take less'), parameter('p99', ['lognormal'], 'one in a hundred takes longer'),
    { path: `${path}.cap`, label: 'cap', kind: 'text', hint: `where all that would be longer ends, ${duration}` },
  ];
}

export const faultGroups = [
  { title: 'Errors', fields: [
    { path: 'error_rate', label: 'error rate', kind: 'number', hint: share },
    { path: 'error_status', label: 'status', kind: 'number', hint: '400 to 599; 503 if empty' },
    { path: 'retry_after', label: 'Retry-After', kind: 'text', hint: 'goes with each error: whole seconds, such as 2s' },
  ] },
  { title: 'Latency', path: 'latency', on: true, hint: 'The answer comes, later.', fields: [
    { path: 'latency.rate', label: 'rate', kind: 'number', hint: `${share}; 1 if empty` }, ...distribution('latency', 'the wait'),
  ] },
  { title: 'Hang', path: 'hang', on: true, hint: 'Accepts the request and never answers.', fields: [
    { path: 'hang.rate', label: 'rate', kind: 'number', hint: share },
    { path: 'hang.cap', label: 'cap', kind: 'text', hint: `then the connection is closed, ${duration}` },
  ] },
  { title: 'Reset', path: 'reset', on: true, hint: 'Ends the connection with a TCP reset.', fields: [
    { path: 'reset.rate', label: 'rate', kind: 'number', hint: share },
    { path: 'reset.at', label: 'at', kind: ['', 'start', 'body'], hint: 'before any answer, or in the middle of it' },
  ] },
  { title: 'Fail first', path: 'fail_first', on: true, hint: 'The first requests fail, later ones do not.', fields: [
    { path: 'fail_first.count', label: 'count', kind: 'number', hint: 'how many' },
    { path: 'fail_first.per', label: 'per', kind: ['', 'replica', 'call', 'key'], hint: 'of all, of each call, or of each idempotency key' },
  ] },
  { title: 'Capacity', path: 'capacity', on: true, hint: 'Load makes it slow, overload makes it fail.', fields: [
    { path: 'capacity.workers', label: 'workers', kind: 'number', hint: 'requests served at once' },
    { path: 'capacity.queue', label: 'queue', kind: 'number', hint: 'requests that may wait; more are answered 503' },
    { path: 'capacity.discipline', label: 'discipline', kind: ['', 'fifo', 'lifo'], hint: 'who is served next: who came first, or last' },
    { path: 'capacity.drop_abandoned', label: 'drop abandoned', kind: 'bool', hint: 'no work for clients that have gone' },
    ...distribution('capacity.service_time', 'the time that a request takes').map((f) => ({ ...f, label: `service time: ${f.label}` })),
  ] },
  { title: 'Truncate', path: 'truncate', on: true, hint: 'The answer breaks off in the middle.', fields: [
    { path: 'truncate.rate', label: 'rate', kind: 'number', hint: share },
  ] },
  { title: 'Drip', path: 'drip', on: true, hint: 'The body comes byte by byte.', fields: [
    { path: 'drip.rate', label: 'rate', kind: 'number', hint: share },
    { path: 'drip.over', label: 'over', kind: 'text', hint: `for how long, ${duration}` },
  ] },
  { title: 'Crash', path: 'crash', on: true, hint: 'Ends the process; in the lab, the listener.', fields: [
    { path: 'crash.after', label: 'after', kind: 'text', hint: `100ms if empty; ${duration}` },
    { path: 'crash.exit_code', label: 'exit code', kind: 'number', hint: 'of the process, 0 to 255' },
    { path: 'crash.back_after', label: 'back after', kind: 'text', hint: `in the lab: when it listens again; 5s if empty` },
  ] },
  { title: 'When and for whom', fields: [
    { path: 'only', label: 'only', kind: ['', 'work', 'charges'], hint: 'one route; both if not given' },
    { path: 'after_work', label: 'after the work', kind: 'bool', hint: 'a charge is recorded, and its answer lost' },
    { path: 'unready', label: 'not ready', kind: 'bool', hint: '/readyz says no; requests are served all the same' },
    { path: 'schedule', label: 'schedule', kind: 'json', hint: 'phases, as in [{"for":"10s"},{"for":"5s","error_rate":1}]' },
    { path: 'loop', label: 'loop', kind: 'bool', hint: 'the schedule begins again when it has ended' },
    { path: 'seed', label: 'seed', kind: 'number', hint: 'the same seed and the same requests meet the same faults; drawn if empty' },
  ] },
];

export const policyGroups = [
  { title: 'Retry', fields: [
    { path: 'retry.max_attempts', label: 'most attempts', kind: 'number', hint: 'the first included' },
    { path: 'retry.base', label: 'back-off: first', kind: 'text', hint: `ceiling of the first wait, ${duration}` },
    { path: 'retry.max', label: 'back-off: largest', kind: 'text', hint: `ceiling of every wait, ${duration}` },
    { path: 'retry.multiplier', label: 'back-off: growth', kind: 'number', hint: 'from one ceiling to the next' },
    { path: 'retry.jitter', label: 'jitter', kind: ['full', 'none', 'equal', 'decorrelated'], hint: 'spreads waits, so that clients do not come back all at once' },
    { path: 'retry.on', label: 'retries', kind: ['transient', 'all'], hint: 'what another attempt may mend, or every failure' },
    { path: 'retry.max_elapsed', label: 'most time', kind: 'text', hint: 'after which no attempt begins; 0s is no limit' },
    { path: 'retry.max_retry_after', label: 'most Retry-After', kind: 'text', hint: `the longest wait that an answer may ask for, ${duration}` },
    { path: 'retry.exclusive', label: 'exclusive', kind: 'bool', hint: 'tells upstream not to retry as well' },
    { path: 'retry.seed', label: 'seed', kind: 'number', hint: 'repeats the waits; 0 draws each anew' },
    { path: 'retry.budget.on', label: 'retry budget', kind: 'bool', hint: 'retries ≤ burst + ratio × successes' },
    { path: 'retry.budget.burst', label: 'budget: burst', kind: 'number', hint: 'retries at once' },
    { path: 'retry.budget.ratio', label: 'budget: ratio', kind: 'number', hint: 'retries that a success earns' },
  ] },
  { title: 'Timeout', fields: [
    { path: 'timeout.limit', label: 'of an attempt', kind: 'text', hint: `then it is given up, ${duration}` },
    { path: 'deadline.limit', label: 'of a whole call', kind: 'text', hint: `the deadline, with all attempts and waits, ${duration}` },
  ] },
  { title: 'Circuit breaker', fields: [
    { path: 'breaker.failures', label: 'failures in a row', kind: 'number', hint: 'that open it; 0: off' },
    { path: 'breaker.failure_rate', label: 'failure rate', kind: 'number', hint: 'of the window that opens it, 0 to 1; 0: off' },
    { path: 'breaker.slow_rate', label: 'slow rate', kind: 'number', hint: 'share of slow calls that opens it; 0: off' },
    { path: 'breaker.slow_after', label: 'slow after', kind: 'text', hint: `how long a slow call takes, ${duration}` },
    { path: 'breaker.min_calls', label: 'calls needed', kind: 'number', hint: 'in the window before a rate counts' },
    { path: 'breaker.window_calls', label: 'window: calls', kind: 'number', hint: 'the latest so many; 0: by time' },
    { path: 'breaker.window_time', label: 'window: time', kind: 'text', hint: `the last so long, ${duration}; 0s: by calls` },
    { path: 'breaker.open_for', label: 'open for', kind: 'text', hint: `then probes are let through, ${duration}; gobreaker takes a new time when it next closes` },
    { path: 'breaker.probes', label: 'probes', kind: 'number', hint: 'that half-open admits, all of which must succeed; gobreaker takes a new number when it next closes' },
    { path: 'breaker.lease', label: 'lease', kind: 'text', hint: `a probe that takes longer has failed, ${duration}` },
    { path: 'breaker.blame_after', label: 'blame after', kind: 'text', hint: 'a call whose client left counts as a failure after so long; 0s: never' },
    { path: 'breaker.open_growth', label: 'open: growth', kind: 'number', hint: 'from one opening to the next; gobreaker cannot, so 1' },
    { path: 'breaker.open_max', label: 'open: largest', kind: 'text', hint: `where growth ends, ${duration}` },
    { path: 'breaker.open_jitter', label: 'open: jitter', kind: 'number', hint: 'spreads the probes of many callers; gobreaker cannot, so 0' },
  ] },
  { title: 'Bulkhead and rate limit', fields: [
    { path: 'bulkhead.max_concurrent', label: 'bulkhead: at once', kind: 'number', hint: 'attempts under way; more wait or are turned away' },
    { path: 'bulkhead.max_queue', label: 'bulkhead: waiting', kind: 'number', hint: 'how many may wait' },
    { path: 'bulkhead.max_wait', label: 'bulkhead: for', kind: 'text', hint: `how long each, ${duration}` },
    { path: 'rate_limit.rate', label: 'rate limit', kind: 'number', hint: 'attempts per second' },
    { path: 'rate_limit.burst', label: 'rate limit: burst', kind: 'number', hint: 'attempts at once' },
  ] },
  { title: 'Connections', fields: [
    { path: 'connections.mode', label: 'mode', kind: ['per_request', 'pooled'], hint: 'pooled: kept, and so pinned to one pod' },
    { path: 'connections.max_age', label: 'largest age', kind: 'text', hint: `when the pool begins anew, ${duration}; 0s: never` },
    { path: 'any_order', label: 'any order', kind: 'bool', hint: 'also one in which a policy cannot do what it promises' },
  ] },
];
