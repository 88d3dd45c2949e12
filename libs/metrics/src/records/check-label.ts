import type { LabelInput, Task } from '@slipway/contracts';
import { parsePredictionRef } from './prediction-id.js';

/** A label as it is stored: text for a class, a number for a value. */
export interface LabelValue {
  readonly label: string | null;
  readonly labelNumber: number | null;
}

export type CheckedLabel = { readonly ok: true; readonly value: LabelValue } | { readonly ok: false; readonly expected: string };

/** How far a sender's clock may be ahead. */
const clockAllowanceMs = 300_000;

/**
 * Checks one label against the task of the version that is deployed.
 * A class may be given as the number, text or boolean that reads like one of the classes; a value must be a finite number.
 */
export function checkLabel(input: Pick<LabelInput, 'label' | 'observedAt' | 'predictionId'>, task: Task, nowMs: number): CheckedLabel {
  const time = checkTime(input, nowMs);
  if (time !== undefined) return { ok: false, expected: time };
  return task.kind === 'regression' ? checkValue(input.label) : checkClass(input.label, task);
}

function checkTime({ observedAt, predictionId }: Pick<LabelInput, 'observedAt' | 'predictionId'>, nowMs: number): string | undefined {
  if (observedAt === undefined) return undefined;
  const observedMs = Date.parse(observedAt);
  if (observedMs > nowMs + clockAllowanceMs) return 'an "observedAt" that is not in the future';
  const predictedMs = parsePredictionRef(predictionId ?? '')?.atMs;
  if (predictedMs !== undefined && observedMs < predictedMs - clockAllowanceMs) return 'an "observedAt" that is not before the prediction';
  return undefined;
}

function checkValue(label: LabelInput['label']): CheckedLabel {
  if (typeof label !== 'number' || !Number.isFinite(label)) return { ok: false, expected: `a finite number, but got ${shown(label)}` };
  return { ok: true, value: { label: null, labelNumber: label } };
}

function checkClass(label: LabelInput['label'], task: Task): CheckedLabel {
  if (typeof label === 'number' && !Number.isFinite(label)) return { ok: false, expected: `a class, but got ${shown(label)}` };
  const { classes } = task;
  if (classes === undefined) return { ok: true, value: { label: String(label).replaceAll('\0', '\uFFFD'), labelNumber: null } };
  const found = classes.find((known) => readsLike(known, label));
  if (found === undefined) return { ok: false, expected: `one of the classes ${someOf(classes)}, but got ${shown(label)}` };
  return { ok: true, value: { label: String(found), labelNumber: null } };
}

function readsLike(known: string | number, label: LabelInput['label']): boolean {
  if (String(known) === String(label)) return true;
  return typeof label === 'boolean' && (known === Number(label) || known === String(Number(label)));
}

function someOf(classes: readonly (string | number)[]): string {
  const first = classes.slice(0, 10).map((known) => JSON.stringify(known));
  return classes.length > first.length ? `${first.join(', ')} and ${classes.length - first.length} more` : first.join(', ');
}

function shown(label: LabelInput['label']): string {
  const text = typeof label === 'string' ? JSON.stringify(label) : String(label);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
