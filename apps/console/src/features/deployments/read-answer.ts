import { parseExact } from './parse-exact';

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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
