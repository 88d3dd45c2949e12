import type { Page } from '@slipway/contracts';
import { encodeCursor } from './cursor.js';

/** A page from rows that were read with one more than `limit`. */
export function pageFrom<Row, View>(
  rows: readonly Row[],
  options: { list: string; limit: number; positionOf: (row: Row) => string; toView: (row: Row) => View },
): Page<View> {
  const { list, limit, positionOf, toView } = options;
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = shown.map(toView);
  return rows.length > limit && last !== undefined ? { items, nextCursor: encodeCursor(list, positionOf(last)) } : { items };
}
