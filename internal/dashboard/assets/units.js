// How numbers are written: always with their unit, and never with more digits than mean
// something. A space that does not break stands between a number and its unit.

const space = '\u00a0';
export const none = '–';

function digits(value, significant = 3) {
  if (value === 0) return '0';
  const before = Math.floor(Math.log10(Math.abs(value))) + 1;
  return value.toFixed(Math.max(0, Math.min(2, significant - Math.max(1, before))));
}

export const rate = (perSecond) => (Number.isFinite(perSecond) ? `${perSecond < 99.95 ? perSecond.toFixed(1) : Math.round(perSecond)}/s` : none);

// percent never rounds to 100 % what is below it, nor to 0 % what is above.
export function percent(share) {
  if (!Number.isFinite(share)) return none;
  const value = 100 * share;
  if (value > 0 && value < 0.1) return `<${space}0.1${space}%`;
  const text = value === 100 || value === 0 ? String(value) : Math.min(99.9, value).toFixed(1);
  return `${text}${space}%`;
}

export const factor = (value) => (Number.isFinite(value) ? `${value.toFixed(2)}×` : none);

export function duration(ms) {
  if (!Number.isFinite(ms)) return none;
  if (ms < 999.5) return `${digits(ms, ms < 1 ? 2 : 3)}${space}ms`;
  if (ms < 59_950) return `${digits(ms / 1000)}${space}s`;
  if (ms < 3_600_000) return `${digits(ms / 60_000)}${space}min`;
  return `${digits(ms / 3_600_000)}${space}h`;
}

// clock is the local time of day; with milliseconds where events are told apart by them.
export function clock(date, withMilliseconds = false) {
  const two = (n) => String(n).padStart(2, '0');
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return withMilliseconds ? `${text}.${String(date.getMilliseconds()).padStart(3, '0')}` : text;
}

export const plural = (n, one, many = `${one}s`) => `${n}${space}${n === 1 ? one : many}`;

// milliseconds of a duration as the API writes it, such as 1m30s or 250ms; NaN if it is none.
export function milliseconds(text) {
  const units = { h: 3_600_000, m: 60_000, s: 1000, ms: 1, 'µs': 1e-3, us: 1e-3, ns: 1e-6 };
  const parts = [...String(text).matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|µs|us|ns)/g)];
  if (!parts.length || parts.map((p) => p[0]).join('') !== String(text)) return NaN;
  return parts.reduce((sum, [, number, unit]) => sum + number * units[unit], 0);
}
