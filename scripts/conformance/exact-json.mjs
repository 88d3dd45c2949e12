/**
 * JSON as the protocol's clients write it: bare NaN and infinities are numbers, integers beyond 2^53 become BigInt. JSON.parse alone
 * would refuse the first and round the second.
 */
export function parseExact(text) {
  const token = /"(?:[^"\\]|\\.)*"|-?Infinity\b|\bNaN\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
  const marked = text.replace(token, (found) => (isSpecial(found) ? `"${mark}${found}"` : found));
  if (marked.length === text.length) return JSON.parse(text);
  return JSON.parse(marked, (_key, value) => (typeof value === 'string' && value.startsWith(mark) ? restore(value.slice(mark.length)) : value));
}

/** Writes numbers that JSON.stringify loses: negative zero, NaN, infinities, BigInt. */
export function numberText(value) {
  if (typeof value === 'bigint' || !Object.is(value, -0)) return String(value);
  return '-0.0';
}

const mark = 'number outside of JSON: ';

function isSpecial(token) {
  if (token.startsWith('"')) return false;
  return /^-?(?:Infinity|NaN)$/.test(token) || /^-?\d{16,}$/.test(token);
}

function restore(text) {
  return /^-?\d+$/.test(text) ? BigInt(text) : Number(text);
}
