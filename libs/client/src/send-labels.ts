import type { CallOptions, Exchange } from './exchange.client.js';
import { type CreateLabels, type LabelInput, type LabelResult, type LabelsAccepted, limits, headers as names } from './generated/contract.js';
import { inputInvalid, SlipwayApiError } from './slipway-api-error.js';

export interface LabelOptions extends CallOptions {
  /**
   * The same request again under the same key gets the first one's answer. Without one, a label that was taken already comes back as
   * `duplicate`, which does no harm. Of labels that need several requests each has the key and its number.
   */
  readonly idempotencyKey?: string;
}

/** Sends labels in as many requests as their number and length ask for, one after another, and joins the answers. */
export async function sendLabels(exchange: Exchange, path: string, labels: readonly LabelInput[], options: LabelOptions): Promise<LabelsAccepted> {
  const parts = splitLabels(labels);
  let accepted: LabelsAccepted | undefined;
  for (const [index, body] of parts.entries()) {
    const key = options.idempotencyKey;
    const keyHeader: Record<string, string> = key === undefined ? {} : { [names.idempotencyKey]: parts.length === 1 ? key : `${key}.${index}` };
    const { idempotencyKey: _, ...call } = options;
    try {
      const answer = await exchange.json({ method: 'POST', path, body, headers: { 'content-type': 'application/json', ...keyHeader }, ...call });
      accepted = joined(accepted, answer as LabelsAccepted);
    } catch (error) {
      if (!(error instanceof SlipwayApiError)) throw error;
      throw new SlipwayApiError(error.code, error.message, { ...error, accepted, cause: error.cause });
    }
  }
  return accepted ?? { results: [], counts: { matched: 0, unmatched: 0, late: 0, duplicate: 0, revised: 0 } };
}

/** Room for the object around the labels. */
const frameBytes = 64;

/** Bodies of requests that stay within what the server takes in one. */
export function splitLabels(labels: readonly LabelInput[]): string[] {
  const encoder = new TextEncoder();
  const parts: string[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  labels.forEach((label, index) => {
    const text = JSON.stringify(checked(label, index));
    const length = encoder.encode(text).length + 1;
    const part = parts.at(-1);
    if (part === undefined || part.length >= limits.labelsPerRequest || bytes + length > limits.controlBodyBytes) {
      parts.push([text]);
      bytes = frameBytes + length;
    } else {
      part.push(text);
      bytes += length;
    }
  });
  return parts.map((part) => `{"labels":[${part.join(',')}]}`);
}

/** What JSON would change on its way is refused here: the server would see something else. */
function checked(label: LabelInput, index: number): CreateLabels['labels'][number] {
  const value: unknown = label.label;
  const isLabel = typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value);
  if (isLabel) return label;
  throw inputInvalid(`labels[${index}]: expected a class or a number (text, a finite number, true or false), given ${String(value)}`);
}

function joined(before: LabelsAccepted | undefined, answer: LabelsAccepted): LabelsAccepted {
  if (before === undefined) return answer;
  const sum = (result: LabelResult) => before.counts[result] + answer.counts[result];
  return {
    results: [...before.results, ...answer.results],
    counts: { matched: sum('matched'), unmatched: sum('unmatched'), late: sum('late'), duplicate: sum('duplicate'), revised: sum('revised') },
  };
}
