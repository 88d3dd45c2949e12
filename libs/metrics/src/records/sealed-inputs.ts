import { RecordedInput, type RecordKeys } from '@slipway/contracts';
import { deriveKey, unsealBytes } from '@slipway/platform';
import { z } from 'zod';
import { redactionKey } from '../replays/sample-payload.js';

/** What an instance needs to keep inputs in its records: it gets the keys of its own deployment alone. */
export function recordKeys(masterKey: Uint8Array, owner: { readonly projectId: string; readonly deploymentId: string }): RecordKeys {
  return {
    redactionKey: redactionKey(masterKey, owner.projectId).toString('base64'),
    sealingKey: recordKey(masterKey, owner.deploymentId).toString('base64'),
  };
}

/** The key that seals the recorded inputs of a deployment. */
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
