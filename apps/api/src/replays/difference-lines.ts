import type { ReplayDifferenceView } from '@slipway/contracts';

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
  return [columns, ...lines].map((cells) => `${cells.map(cell).join(',')}\r\n`).join('');
}

export function differencesAsNdjson(items: readonly ReplayDifferenceView[]): string {
  return items.map((item) => `${JSON.stringify(item)}\n`).join('');
}

/** RFC 4180. What a spreadsheet would take for a formula gets an apostrophe before it. */
function cell(value: string | number): string {
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
