import { type Page, SlipwayError } from '@slipway/contracts';

/** The position after which the next page starts; opaque to callers. */
export function encodeCursor(position: string): string {
  return Buffer.from(position, 'utf8').toString('base64url');
}

/** @throws SlipwayError CURSOR_INVALID for anything that `encodeCursor` did not make. */
export function decodeCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const position = Buffer.from(cursor, 'base64url').toString('utf8');
  if (position === '' || encodeCursor(position) !== cursor || !/^[\x20-\x7e]+$/.test(position))
    throw new SlipwayError('CURSOR_INVALID', 'this cursor was not given out by this list; leave it out to start at the beginning');
  return position;
}

/** A page from rows that were read with one more than `limit`. */
export function pageFrom<Row, View>(rows: readonly Row[], limit: number, positionOf: (row: Row) => string, toView: (row: Row) => View): Page<View> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return { items: shown.map(toView), ...(more ? { nextCursor: encodeCursor(positionOf(last)) } : {}) };
}
