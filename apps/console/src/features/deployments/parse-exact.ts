/** A string (so that nothing inside one is touched), a word that JSON does not know, or a whole number literal. */
const literal = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Integers from here on may not fit a JavaScript number. */
const longInteger = /^-?\d{16,}$/;

/** JSON with bare NaN and Infinity, and with long integers, all of which are taken as text; undefined when it is not JSON. */
export function parseExact(text: string): unknown {
  const quoted = text.replace(literal, (match) => (/^-?[IN]/.test(match) || longInteger.test(match) ? `"${match}"` : match));
  try {
    return JSON.parse(quoted);
  } catch {
    return undefined;
  }
}
