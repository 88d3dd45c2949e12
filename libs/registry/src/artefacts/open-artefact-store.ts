import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, SlipwayError } from '@slipway/contracts';
import type { Settings } from '@slipway/platform';
import type { ArtefactStore } from './artefact-store.js';
import { FileArtefactStore } from './file-artefact-store.js';
import type { S3Credentials } from './s3.client.js';
import { S3ArtefactStore } from './s3-artefact-store.js';
import { readS3Url } from './s3-place.js';

/** The settings that keys of an S3-compatible service come from. */
export type S3Settings = Pick<Settings, 'AWS_ACCESS_KEY_ID' | 'AWS_SECRET_ACCESS_KEY' | 'AWS_SESSION_TOKEN'>;

/**
 * The store that ARTEFACT_URL names: `file:///folder`, `s3://bucket/prefix?endpoint=…&region=…&pathStyle=…`, or the folder `artefacts` in
 * SLIPWAY_HOME when it is unset.
 * @throws SlipwayError START_REFUSED for a scheme that is not supported, a part that is not understood, or keys that are missing.
 */
export function openArtefactStore(options: { url?: string | undefined; home: string; keys?: S3Settings }): ArtefactStore {
  const { url, home, keys } = options;
  const staging = join(home, 'staging');
  if (url === undefined) return new FileArtefactStore({ root: join(home, 'artefacts'), staging });
  if (/^s3:/i.test(url)) return new S3ArtefactStore({ place: readS3Url(url), credentials: credentialsOf(keys), staging });
  const root = folderOf(url);
  return new FileArtefactStore({ root, staging: join(root, 'staging') });
}

function credentialsOf(keys: S3Settings | undefined): S3Credentials {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN: sessionToken } = keys ?? {};
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const missing = accessKeyId === undefined ? 'AWS_ACCESS_KEY_ID' : 'AWS_SECRET_ACCESS_KEY';
    throw new SlipwayError('START_REFUSED', `ARTEFACT_URL names an S3-compatible store, so ${missing} (or ${missing}_FILE) is needed; it is unset`);
  }
  return { accessKeyId, secretAccessKey, sessionToken };
}

function folderOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new SlipwayError(
      'START_REFUSED',
      `ARTEFACT_URL is expected to be a folder as file:///path or a bucket as s3://bucket/prefix, not "${url}" (${messageOf(error)})`,
      { cause: error },
    );
  }
}
