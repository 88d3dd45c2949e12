import { RecordedInput } from '@slipway/contracts';
import { deriveKey, unsealBytes } from '@slipway/platform';
import { z } from 'zod';

/** The key that seals the recorded inputs of a deployment: an instance gets that of its own deployment alone. */
export function recordKey(masterKey: Uint8Array, deploymentId: string): Buffer {
  return deriveKey(masterKey, `prediction records ${deploymentId}`);
}

/** What sealed inputs are bound to, so that those of another row do not open in its place. */
export function recordPurpose(predictionId: string, row: number): string {
  return `inputs ${predictionId}#${row}`;
}

/** The inputs of a record. @throws when they were sealed under another key or for another row, or are damaged. */
export function openRecordedInputs(key: Uint8Array, ref: { readonly id: string; readonly row: number }, sealed: Uint8Array): RecordedInput[] {
  return z.array(RecordedInput).parse(JSON.parse(unsealBytes(key, sealed, recordPurpose(ref.id, ref.row)).toString('utf8')));
}
