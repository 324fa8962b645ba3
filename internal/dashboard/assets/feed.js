// The stream of what happens in caller. The page practises what it shows: it knocks again
// when the stream ends, after a wait with full jitter that grows to a cap.

const base = 250;
const cap = 5000;
// staleAfter is how long no snapshot may come, of which four a second are due.
const staleAfter = 1500;

// watch connects and stays connected. On has a function for each kind of event, which gets
// the event's text, because most texts are never looked at; on.status is told how it is:
// connecting, live, stale or down.
export function watch(on) {
  let source, timer, attempt = 0, heard = 0, status = '';

  const tell = (now) => {
    if (now === status) return;
    status = now;
    on.status(now);
  };

  function connect() {
    source = new EventSource('/api/events');
    source.addEventListener('snapshot', (event) => {
      heard = performance.now();
      attempt = 0;
      const first = status !== 'live' && status !== 'stale';
      tell('live');
      on.snapshot(event.data, first);
    });
    for (const kind of ['call', 'decision', 'faults']) source.addEventListener(kind, (event) => on[kind](event.data));
    source.addEventListener('error', () => again());
  }

  function again() {
    source.close();
    clearTimeout(timer);
    const wait = Math.random() * Math.min(cap, base * 2 ** attempt++);
    tell('down');
    timer = setTimeout(connect, wait);
  }

  setInterval(() => {
    if ((status === 'live' || status === 'stale') && performance.now() - heard > staleAfter) tell('stale');
    if (status === 'stale' && performance.now() - heard > 4 * staleAfter) again(); // nobody will say that it ended
  }, 250);
  tell('connecting');
  connect();

  // A page that is left may be kept for when one comes back, and its stream with it, of which
  // a browser has six at most.
  addEventListener('pagehide', () => {
    source.close();
    clearTimeout(timer);
  });
  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    tell('connecting');
    connect();
  });
}
