import type { PredictionView, RecordedInput } from '@slipway/contracts';
import { type RevisionNames, revisionNames } from '@slipway/deployments';
import { openRecordedInputs, recordKey, type StoredPrediction } from '@slipway/metrics';
import type { Platform } from '../platform.js';

/** Stored records as they are shown, kept inputs only to those who may read them; those of revisions that are gone are left out. */
export async function predictionViews(
  { db, masterKey, log }: Platform,
  rows: readonly StoredPrediction[],
  mayReadInputs: boolean,
): Promise<PredictionView[]> {
  const revisions = [...new Set(rows.map(({ revisionId }) => revisionId))];
  const names = new Map(await Promise.all(revisions.map(async (id) => [id, await revisionNames(db.prisma, id)] as const)));
  return rows.flatMap((row) => {
    const name = names.get(row.revisionId);
    return name === undefined ? [] : [toPredictionView(row, name, mayReadInputs ? inputsOf(row, masterKey, log) : null)];
  });
}

/** Inputs that do not open under this installation's key are told as not kept: the rest of the record is as good as ever. */
function inputsOf(row: StoredPrediction, masterKey: Uint8Array, log: Platform['log']): RecordedInput[] | null {
  if (row.inputs === null) return null;
  try {
    return openRecordedInputs(recordKey(masterKey, row.deploymentId), row, row.inputs);
  } catch (error) {
    log.warn({ err: error, prediction: row.id }, 'recorded inputs could not be opened');
    return null;
  }
}

function toPredictionView(row: StoredPrediction, names: RevisionNames, inputs: RecordedInput[] | null): PredictionView {
  const { slices, outputs } = row;
  return {
    id: row.id,
    row: row.row,
    at: new Date(row.atMs).toISOString(),
    deployment: names.deployment,
    model: names.model,
    version: row.versionNumber,
    revision: names.revision,
    digest: names.digest,
    clientId: row.clientId,
    predicted: row.predictedNumber ?? row.predicted,
    score: row.score,
    queueMicros: row.queueMicros,
    computeMicros: row.computeMicros,
    probability: row.probability,
    slices,
    joinKey: row.joinKey,
    outputs,
    inputs,
    label: labelOf(row),
    labelledAt: row.labelledAt?.toISOString() ?? null,
  };
}

/** A class that was predicted as a number is shown as one in its label too. */
function labelOf({ label, labelNumber, predictedNumber }: StoredPrediction): string | number | null {
  if (labelNumber !== null || label === null) return labelNumber;
  const number = Number(label);
  return predictedNumber !== null && String(number) === label ? number : label;
}
