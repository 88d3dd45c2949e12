import { type CreateLabels, type LabelResult, type LabelsAccepted, SlipwayError, type Task } from '@slipway/contracts';
import { checkLabel, type NewLabel } from '@slipway/metrics';

const maxPlaces = 50;

/**
 * Labels as they are stored, checked against what the deployed version answers.
 * @throws LABEL_INVALID naming every label that is no answer of it; none is stored then.
 */
export function checkLabels(body: CreateLabels, task: Task, nowMs: number): NewLabel[] {
  const places: { path: string; message: string }[] = [];
  const labels: NewLabel[] = [];
  body.labels.forEach((input, index) => {
    const checked = checkLabel(input, task, nowMs);
    if (!checked.ok) {
      places.push({ path: `labels.${index}`, message: `expected ${checked.expected}` });
      return;
    }
    labels.push({
      ...checked.value,
      predictionId: input.predictionId,
      clientId: input.clientId?.replaceAll('\0', '\uFFFD'),
      source: (input.source ?? '').replaceAll('\0', '\uFFFD'),
      observedAt: input.observedAt === undefined ? null : new Date(input.observedAt),
    });
  });
  const [first] = places;
  if (first === undefined) return labels;
  const more = places.length === 1 ? '' : ` (and ${places.length - 1} more)`;
  throw new SlipwayError('LABEL_INVALID', `${first.path}: ${first.message}${more}`, { places: places.slice(0, maxPlaces) });
}

/** The answer to a label request: what became of each, in order, and how many of each kind. */
export function labelsAccepted(body: CreateLabels, results: readonly LabelResult[]): LabelsAccepted {
  const count = (result: LabelResult) => results.filter((one) => one === result).length;
  return {
    results: body.labels.map((label, index) => ({
      predictionId: label.predictionId ?? null,
      clientId: label.clientId ?? null,
      result: results[index] ?? 'unmatched',
    })),
    counts: {
      matched: count('matched'),
      unmatched: count('unmatched'),
      late: count('late'),
      duplicate: count('duplicate'),
      revised: count('revised'),
    },
  };
}
