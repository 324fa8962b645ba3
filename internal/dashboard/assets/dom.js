// Elements, made and changed. Text is always text: nothing that came over the network is
// ever read as markup.

export const byId = (id) => document.getElementById(id);

// el makes an element. Properties that an element has are set, all others are attributes;
// false, null and undefined are left out.
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value === null || value === undefined) continue;
    if (name in element && !name.startsWith('aria') && name !== 'list' && name !== 'form') element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// set writes only what is new, so that a screen reader is told of changes alone and a
// selection stays.
export function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function attribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

// press shows whether a toggle is on.
export const press = (button, on) => attribute(button, 'aria-pressed', String(on));

// remember keeps a choice of this browser's user, if the browser lets it.
export function remember(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch { /* it lasts as long as the page, then */ }
}

export function remembered(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}
