import { createHash } from 'node:crypto';
import { SlipwayError } from '@slipway/contracts';

/**
 * A cursor says after which row the next page starts. It is bound to its list (`list`, for example "models:prj_1") by a checksum, so
 * that one from another list, another project or somebody's keyboard is refused instead of giving a page of nonsense.
 */
export function encodeCursor(list: string, position: string): string {
  return Buffer.from(`${checksum(list, position)}${position}`, 'utf8').toString('base64url');
}

/** @throws SlipwayError CURSOR_INVALID for anything that `encodeCursor` did not make for this list. */
export function decodeCursor(list: string, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const position = text.slice(checksumLength);
  if (position === '' || encodeCursor(list, position) !== cursor) {
    throw new SlipwayError('CURSOR_INVALID', 'this cursor was not given out by this list; leave it out to start at the beginning');
  }
  return position;
}

const checksumLength = 12;

function checksum(list: string, position: string): string {
  return createHash('sha256').update(`${list}\0${position}`).digest('hex').slice(0, checksumLength);
}
