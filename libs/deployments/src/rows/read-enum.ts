import { invariant } from '@slipway/contracts';

/** A text column as one of its allowed words; any other word is a bug of whoever wrote the row. */
export function readEnum<T extends string>(allowed: readonly T[], text: string): T {
  const found = allowed.find((word) => word === text);
  invariant(found !== undefined, `the word "${text}" is not one of ${allowed.join(', ')}`, { text });
  return found;
}
