export interface AnswerTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** As they stand in the answer: 64-bit integers and NaN keep their text. */
  readonly values: readonly string[];
  readonly count: number;
}

export interface Answer {
  readonly version: string | undefined;
  readonly outputs: readonly AnswerTensor[];
}

const valuesKept = 1_000;

/** Reads an inference answer without losing what JavaScript numbers cannot hold; undefined when it is not one. */
export function readAnswer(text: string): Answer | undefined {
  const value = parseExact(text);
  if (!isRecord(value) || !Array.isArray(value['outputs'])) return undefined;
  const outputs = value['outputs'].filter(isRecord).map((output): AnswerTensor => {
    const data = Array.isArray(output['data']) ? output['data'].flat(32) : [];
    return {
      name: String(output['name'] ?? ''),
      datatype: String(output['datatype'] ?? ''),
      shape: Array.isArray(output['shape']) ? output['shape'].map(Number) : [],
      values: data.slice(0, valuesKept).map(String),
      count: data.length,
    };
  });
  return { version: typeof value['model_version'] === 'string' ? value['model_version'] : undefined, outputs };
}

/** The sentence of an error answer. */
export function readError(text: string): string {
  const value = parseExact(text);
  return isRecord(value) && typeof value['error'] === 'string' ? value['error'] : text.slice(0, 600);
}

/** A string (so that nothing inside one is touched), a word that JSON does not know, or a whole number literal. */
const literal = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Integers from here on may not fit a JavaScript number. */
const longInteger = /^-?\d{16,}$/;

/** JSON with bare NaN and Infinity, and with long integers, which are taken as text. */
function parseExact(text: string): unknown {
  const quoted = text.replace(literal, (match) => (/^-?[IN]/.test(match) || longInteger.test(match) ? `"${match}"` : match));
  try {
    return JSON.parse(quoted);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
