export type ParsedLine = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly given: string };

/**
 * Texts and numbers of JSON, and the words that Python and others write for numbers that JSON has not. Texts first: what is in them is no number. One that
 * is never closed takes the rest, so that looking stays linear. */
const tokens = /"(?:[^"\\]|\\.)*(?:"|$)|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|-?Infinity|NaN/g;
const needsCare = /\d{16}|NaN|Infinity/;
const longInteger = /^-?\d{16,}$/;

/**
 * One line of NDJSON. Integers of more digits than a double keeps come as texts, so that 64-bit ones stay exact, and so do NaN and the
 * infinities. A row may be wrapped as in a prediction request, `{"inputs": {…}}`; it is unwrapped, what stands beside `inputs` stays.
 */
export function parseLine(text: string): ParsedLine {
  try {
    return { ok: true, value: unwrap(JSON.parse(needsCare.test(text) ? text.replaceAll(tokens, quoteSpecial) : text)) };
  } catch {
    return { ok: false, given: shorten(text) };
  }
}

function quoteSpecial(token: string): string {
  return longInteger.test(token) || token.endsWith('Infinity') || token === 'NaN' ? `"${token}"` : token;
}

function unwrap(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('inputs' in value)) return value;
  const { inputs, ...beside } = value;
  return typeof inputs === 'object' && inputs !== null && !Array.isArray(inputs) ? { ...beside, ...inputs } : value;
}

function shorten(text: string): string {
  return text.length > 60 ? `${JSON.stringify(text.slice(0, 60))}…` : JSON.stringify(text);
}
