// The page: every part of it, and what it is told. It holds no state of its own but what is
// being looked at: what is in force is caller's, and is shown as caller says it.

import { get, request, unanswered } from './api.js';
import { BreakerPanel } from './breaker.js';
import { Calls } from './calls.js';
import { Charts } from './charts.js';
import { byId, set } from './dom.js';
import { Faults } from './faults.js';
import { watch } from './feed.js';
import { startHelp } from './help.js';
import { engines, History } from './history.js';
import { Link } from './link.js';
import { Load } from './load.js';
import { Path } from './path.js';
import { Policy } from './policy.js';
import { startTerms, term } from './terms.js';
import { startTheme } from './theme.js';
import { Tour } from './tour.js';
import { openTrace } from './trace.js';

startTheme();
startTerms();

// pathOf is what the API calls a mode where it is asked for.
const pathOf = { automatic: 'auto', open: 'open', closed: 'close', observe: 'observe' };

const history = new History();
const changed = () => link.write();
const calls = new Calls(changed);
const faults = new Faults(changed);
const policy = new Policy(changed);
const load = new Load(changed);
const breakers = {
  get modes() { return Object.fromEntries(engines.map((engine) => [engine, state.engines[engine].breaker.mode])); },
  async force(engine, mode) {
    state.engines[engine].breaker = await request('POST', `/api/breakers/${engine}/${pathOf[mode]}`);
  },
  // hold is the same, but for a breaker that decides by itself, which would begin anew.
  async hold(engine, mode) {
    if (mode !== 'automatic' || this.modes[engine] !== 'automatic') await this.force(engine, mode);
  },
};
const tour = new Tour({ faults, policy, load, breakers }, history);
const link = new Link({ faults, policy, load, breakers, calls, openTrace });
const path = new Path(history, term);
const charts = new Charts(history);
const panels = engines.map((engine) => new BreakerPanel(engine, history, (...how) => breakers.force(...how)));
let state;
let due = false; // something is to be drawn

document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault(); // the address holds a situation, and no place on the page
  byId('main').focus();
});

startHelp({ b: () => byId('break').click(), h: () => byId('heal').click(), t: () => tour.start() });

for (const each of document.querySelectorAll('[data-explain]')) each.replaceChildren(term(each.dataset.explain, each.textContent));

// draw shows the latest state, once for each frame at most, and not while nobody can see it.
function draw() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    if (!state) return;
    path.draw(state, faults.replicas);
    for (const panel of panels) panel.draw(state.engines[panel.engine], state.policy.order.includes('breaker'));
    load.show(state.load);
    calls.draw();
    charts.draw();
    tour.draw();
    link.write();
  });
}

// begin asks for what a stream does not tell who has just come.
async function begin() {
  for (const alert of document.querySelectorAll('[role=alert]')) if (alert.textContent === unanswered) set(alert, ''); // it is back
  get('/api/history').then((past) => history.fill(past), () => {}); // what comes from now on is drawn all the same
  await Promise.all([faults.refresh(), policy.version(state.policy.version)]);
  link.open();
  tour.resume();
  draw();
}

watch({
  snapshot(text, first) {
    state = JSON.parse(text);
    const anew = history.add(state);
    set(byId('instance'), state.instance);
    if (first || anew) begin();
    else policy.version(state.policy.version);
    draw();
  },
  call: (text) => calls.add(text),
  decision(text) {
    if (!text.includes('"transition":')) return;
    const { engine, kind, transition } = JSON.parse(text);
    if (kind === 'transition') history.changed(engine, transition);
    if (kind === 'would open') history.would[engine] = transition;
  },
  faults(text) {
    faults.show(JSON.parse(text));
    draw();
  },
  status(now) {
    document.body.dataset.live = now;
    set(byId('live'), {
      connecting: 'connecting …', live: 'live · 4 updates/s', stale: 'stale: nothing heard for a while',
      down: `${unanswered}; trying again`,
    }[now]);
  },
});
