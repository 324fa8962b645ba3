// Light, dark or as the system says, and the colours for what is drawn on a canvas, which
// knows nothing of style sheets.

import { byId, remember, remembered, set } from './dom.js';

const themes = ['auto', 'light', 'dark'];
const listeners = [];
const known = new Map();
let probe;

// colour is what a custom property comes to in the theme in force.
export function colour(name) {
  if (!known.has(name)) {
    probe.style.color = `var(--${name})`;
    known.set(name, getComputedStyle(probe).color);
  }
  return known.get(name);
}

export const onTheme = (listener) => listeners.push(listener);

function choose(theme) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  set(byId('theme-name'), theme);
  known.clear();
  for (const listener of listeners) listener();
}

export function startTheme() {
  probe = document.createElement('span');
  probe.hidden = true;
  document.body.append(probe);
  let theme = themes.includes(remembered('theme')) ? remembered('theme') : 'auto';
  choose(theme);
  byId('theme').addEventListener('click', () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    remember('theme', theme);
    choose(theme);
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => choose(theme));
}
