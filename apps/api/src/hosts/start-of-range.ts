import { SlipwayError } from '@slipway/contracts';

/**
 * The first byte that is asked for: of all ranges (RFC 9110, 14.2) the one that continues a download, and 0 without one.
 * @throws SlipwayError REQUEST_INVALID for any other
 */
export function startOfRange(range: string | undefined): number {
  if (range === undefined) return 0;
  const [, from] = /^bytes=(\d{1,15})-$/.exec(range) ?? [];
  if (from === undefined) throw new SlipwayError('REQUEST_INVALID', `expected "Range: bytes=<from>-", not "${range.slice(0, 80)}"`);
  return Number(from);
}
