import {
  type CreateLabels,
  type LabelFileAccepted,
  type LabelInput,
  type LabelResult,
  type LabelsAccepted,
  labelResults,
  SlipwayError,
  type Task,
} from '@slipway/contracts';
import { checkLabel, type NewLabel } from '@slipway/metrics';
import type { LabelLine } from './label-lines.js';

const maxPlaces = 50;
/** Lines of a file that are written together. */
const batchLines = 1_000;
/** Lines whose result is told one by one, and lines that are told to be no labels. */
const listedResults = 10_000;
const listedErrors = 100;
/** Lines of one request. */
export const labelLinesMost = 1_000_000;

/**
 * Labels as they are stored, checked against what the deployed version answers.
 * @throws LABEL_INVALID naming every label that is no answer of it; none is stored then.
 */
export function checkLabels(body: CreateLabels, task: Task, nowMs: number): NewLabel[] {
  const places: { path: string; message: string }[] = [];
  const labels: NewLabel[] = [];
  body.labels.forEach((input, index) => {
    const checked = newLabel(input, task, nowMs);
    if (typeof checked === 'string') places.push({ path: `labels.${index}`, message: checked });
    else labels.push(checked);
  });
  const [first] = places;
  if (first === undefined) return labels;
  const more = places.length === 1 ? '' : ` (and ${places.length - 1} more)`;
  throw new SlipwayError('LABEL_INVALID', `${first.path}: ${first.message}${more}`, { places: places.slice(0, maxPlaces) });
}

/** The answer to a label request: what became of each, in order, and how many of each kind. */
export function labelsAccepted(body: CreateLabels, results: readonly LabelResult[]): LabelsAccepted {
  return {
    results: body.labels.map(({ predictionId, clientId, joinKey }, index) => ({
      predictionId: predictionId ?? null,
      clientId: clientId ?? null,
      ...(joinKey === undefined ? {} : { joinKey: String(joinKey) }),
      result: results[index] ?? 'unmatched',
    })),
    counts: countResults(results),
  };
}

/**
 * Takes a file of labels line by line, some thousand at a time; a line that is no label keeps no other from being taken.
 * @param record stores labels and tells what became of each
 * @throws LABEL_INVALID when no line is a label, REQUEST_INVALID when there are no lines
 */
export async function takeLines(
  lines: AsyncIterable<LabelLine>,
  { task, nowMs, record }: { readonly task: Task; readonly nowMs: number; readonly record: (labels: readonly NewLabel[]) => Promise<LabelResult[]> },
): Promise<LabelFileAccepted> {
  const taken: LabelFileAccepted = { rows: 0, counts: countResults([]), results: [], rejected: 0, errors: [] };
  let batch: { readonly line: number; readonly label: NewLabel }[] = [];
  const write = async () => {
    const results = await record(batch.map(({ label }) => label));
    for (const [at, result] of results.entries()) {
      taken.counts[result] += 1;
      taken.results?.push({ line: batch[at]?.line ?? 0, result });
    }
    batch = [];
    if ((taken.results?.length ?? 0) > listedResults) delete taken.results;
  };
  for await (const one of lines) {
    taken.rows += 1;
    if (taken.rows > labelLinesMost) {
      reject(taken, one.line, `expected at most ${labelLinesMost} labels in a request; this one and those after it were not taken`);
      break;
    }
    const label = 'fault' in one ? one.fault : newLabel(one.input, task, nowMs);
    if (typeof label === 'string') reject(taken, one.line, label);
    else batch.push({ line: one.line, label });
    if (batch.length >= batchLines) await write();
  }
  if (batch.length > 0) await write();
  if (taken.rows === 0) throw new SlipwayError('REQUEST_INVALID', 'expected at least one label; the body has none');
  const [first] = taken.errors;
  if (taken.rejected === taken.rows && first !== undefined) {
    const more = taken.rejected === 1 ? '' : ` (and ${taken.rejected - 1} more)`;
    const places = taken.errors.slice(0, maxPlaces).map(({ line, message }) => ({ path: `line ${line}`, message }));
    throw new SlipwayError('LABEL_INVALID', `line ${first.line}: ${first.message}${more}`, { places });
  }
  return taken;
}

function reject(taken: LabelFileAccepted, line: number, message: string): void {
  taken.rejected += 1;
  if (taken.errors.length < listedErrors) taken.errors.push({ line, message });
}

/** A label as it is stored, or what was expected instead. */
function newLabel(input: LabelInput, task: Task, nowMs: number): NewLabel | string {
  const checked = checkLabel(input, task, nowMs);
  if (!checked.ok) return `expected ${checked.expected}`;
  return {
    ...checked.value,
    predictionId: input.predictionId,
    clientId: input.clientId?.replaceAll('\0', '\uFFFD'),
    joinKey: input.joinKey === undefined ? undefined : String(input.joinKey),
    source: (input.source ?? '').replaceAll('\0', '\uFFFD'),
    observedAt: input.observedAt === undefined ? null : new Date(input.observedAt),
  };
}

function countResults(results: readonly LabelResult[]): LabelsAccepted['counts'] {
  const count = (result: LabelResult) => results.filter((one) => one === result).length;
  const [matched, unmatched, late, duplicate, revised] = labelResults.map(count);
  return { matched: matched ?? 0, unmatched: unmatched ?? 0, late: late ?? 0, duplicate: duplicate ?? 0, revised: revised ?? 0 };
}
