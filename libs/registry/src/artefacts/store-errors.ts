import { SlipwayError } from '@slipway/contracts';

/** Codes of the operating system that mean "no room": full disk, exhausted quota. */
const fullCodes = new Set(['ENOSPC', 'EDQUOT']);

/** The `code` of an operating-system error, such as ENOENT. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : undefined;
}

/** A full disk as the answer to the caller; everything else as it is. */
export function toStoreError(error: unknown): unknown {
  if (!fullCodes.has(systemCode(error) ?? '')) return error;
  return new SlipwayError(
    'ARTEFACT_STORE_FULL',
    'the artefact store is full; nothing was kept. Delete versions that are not needed or give it more disk, then send it again',
    {
      cause: error,
    },
  );
}

/** The digest names nothing in the store. */
export function artefactNotFound(digest: string): SlipwayError {
  return new SlipwayError('ARTEFACT_NOT_FOUND', `no artefact is stored under ${digest}`, { details: { digest } });
}
