import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, SlipwayError } from '@slipway/contracts';
import type { ArtefactStore } from './artefact-store.js';
import { FileArtefactStore } from './file-artefact-store.js';

/**
 * The store that ARTEFACT_URL names: `file:///folder`, or the folder `artefacts` in SLIPWAY_HOME when it is unset.
 * @throws SlipwayError START_REFUSED for a scheme that is not supported.
 */
export function openArtefactStore(options: { url?: string | undefined; home: string }): ArtefactStore {
  const { url, home } = options;
  if (url === undefined) return new FileArtefactStore({ root: join(home, 'artefacts'), staging: join(home, 'staging') });
  const root = folderOf(url);
  return new FileArtefactStore({ root, staging: join(root, 'staging') });
}

function folderOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (error) {
    throw new SlipwayError('START_REFUSED', `ARTEFACT_URL is expected to be a folder as file:///path, not "${url}" (${messageOf(error)})`, {
      cause: error,
    });
  }
}
