// Help, and the keys. Keys of one letter can be switched off, because those who speak to
// their computer would press them by accident (WCAG 2.2, 2.1.4).

import { byId, remember, remembered } from './dom.js';
import { fillGlossary } from './terms.js';

export function startHelp(actions) {
  const dialog = byId('help');
  const keys = byId('keys');
  fillGlossary();
  keys.checked = remembered('keys') !== 'off';
  keys.addEventListener('change', () => remember('keys', keys.checked ? 'on' : 'off'));
  byId('help-open').addEventListener('click', () => dialog.showModal());
  document.addEventListener('keydown', (event) => {
    if (!keys.checked || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    if (event.target.matches('input:not([type=checkbox],[type=range]), textarea, select')) return;
    const action = { '?': () => dialog.showModal(), ...actions }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
  for (const each of document.querySelectorAll('dialog')) { // a click beside it closes it, too
    each.addEventListener('click', (event) => event.target === each && each.close());
  }
}
