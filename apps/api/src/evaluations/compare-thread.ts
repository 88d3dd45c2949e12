import { parentPort, workerData } from 'node:worker_threads';
import { SlipwayError } from '@slipway/contracts';
import { alignVersions, compareMetrics, decodePredictions, disagreeingRows, disagreementMatrix } from '@slipway/metrics';
import type { CompareReply } from './compare-in-thread.js';

const files: readonly Uint8Array[] = workerData;
parentPort?.postMessage(compare(files));

function compare(all: readonly Uint8Array[]): CompareReply {
  try {
    const { compared, rowNumbers, ids, classes } = alignVersions(all.map(decodePredictions));
    const said = (value: number | undefined): string | number | null => {
      if (value === undefined || Number.isNaN(value)) return null;
      return compared.kind === 'regressor' ? value : (classes[value] ?? null);
    };
    const rows = disagreeingRows(compared).map((place) => ({
      row: rowNumbers[place] ?? 0,
      id: ids[place] ?? null,
      truth: said(compared.versions[0]?.truth[place]) ?? '',
      predictions: compared.versions.map((version) => said(version.predicted[place])),
    }));
    const unit = compared.kind === 'classifier' ? ('flip-share' as const) : ('mean-distance' as const);
    const disagreement = { n: rowNumbers.length, unit, matrix: disagreementMatrix(compared), rows };
    return { ok: true, differences: compareMetrics(compared), disagreement };
  } catch (error) {
    if (error instanceof SlipwayError) return { ok: false, code: error.code, message: error.message };
    throw error;
  }
}
