import type { ReplayDifferenceView } from '@slipway/contracts';
import { csvLine } from '../http/csv.js';

const columns = [
  'predictionId',
  'at',
  'rows',
  'flips',
  'distance',
  'stableVersion',
  'stablePredictions',
  'stableScores',
  'stableError',
  'candidateVersion',
  'candidatePredictions',
  'candidateScores',
  'candidateError',
  'inputs',
] as const;

/** One line per request, with a header; lists are JSON. */
export function differencesAsCsv(items: readonly ReplayDifferenceView[]): string {
  const lines = items.map(({ stable, candidate, ...item }) => [
    item.predictionId,
    item.at,
    item.rows,
    item.flips,
    item.distance,
    ...[stable, candidate].flatMap(({ version, predictions, scores, error }) => [
      version,
      JSON.stringify(predictions),
      JSON.stringify(scores),
      error ?? '',
    ]),
    item.inputs === null ? '' : JSON.stringify(item.inputs),
  ]);
  return [columns, ...lines].map(csvLine).join('');
}

export function differencesAsNdjson(items: readonly ReplayDifferenceView[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join('');
}
