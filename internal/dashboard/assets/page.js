// The page asks for the state twice a second and draws it. It holds no state of its own
// but the calls that its visitor made.

const byId = (id) => document.getElementById(id);
const engines = ['handrolled', 'gobreaker'];
const shownCalls = 50;

async function request(path, options) {
  const answer = await fetch(path, options);
  return { status: answer.status, body: await answer.json() };
}

function drawBreaker(engine, b) {
  const panel = byId(engine);
  panel.dataset.state = b.state;
  set(panel.querySelector('.state'), b.state.toUpperCase());
  set(panel.querySelector('.why'), b.why);
  const last = b.last_transition;
  set(panel.querySelector('.last'), last
    ? `${last.from} → ${last.to} at ${new Date(last.at).toLocaleTimeString()}: ${last.reason}${last.error ? `, last: ${last.error}` : ''}`
    : '');
}

// set writes only what is new, so that a screen reader is told of changes alone.
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function drawFaults({ status, body }) {
  const replicas = body.replicas ?? [];
  const failing = replicas.filter((r) => !r.error && !r.healthy).length;
  const silent = replicas.filter((r) => r.error).length;
  set(byId('faults'), replicas.length === 0
    ? (body.detail ?? `answer ${status}`)
    : `flaky: ${replicas.length} replica${replicas.length > 1 ? 's' : ''}, ${failing} failing${silent ? `, ${silent} not answering` : ''}`);
}

async function refresh() {
  try {
    const [state, faults] = await Promise.all([request('/api/state'), request('/api/faults')]);
    for (const engine of engines) drawBreaker(engine, state.body.engines[engine].breaker);
    drawFaults(faults);
    set(byId('live'), `live ● ${state.body.instance}`);
  } catch {
    set(byId('live'), 'caller does not answer; trying again');
  }
  setTimeout(refresh, 500);
}

async function call(engine) {
  const { body } = await request(`/call?engine=${engine}`);
  byId('none').hidden = true;
  const item = document.createElement('li');
  const outcome = document.createElement('b');
  outcome.className = body.outcome;
  outcome.textContent = body.outcome;
  const results = (body.attempts ?? []).map((a) => a.status ?? a.result).join(', ');
  const trace = document.createElement('a');
  trace.href = body.trace_url ?? `/api/traces/${body.trace_id}`;
  trace.textContent = 'trace';
  item.append(outcome, ` after ${body.elapsed_ms} ms, ${engine}: ${results} `, trace);
  byId('list').prepend(item);
  while (byId('list').children.length > shownCalls) byId('list').lastChild.remove();
}

async function setFaults(options) {
  drawFaults(await request('/api/faults', options));
}

function onClick(id, action) {
  byId(id).addEventListener('click', () => action().catch((error) => set(byId('live'), String(error))));
}

onClick('break', () => setFaults({ method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: '{"error_rate":1}' }));
onClick('heal', () => setFaults({ method: 'DELETE' }));
onClick('call', () => Promise.all(engines.map(call)));
refresh();
