import type { ReferenceBody } from '@slipway/contracts';

/** By tensor, one entry per place in its row: how far the values spread; null where a value is no number. Goes to instances as JSON. */
export type InputSpreads = Readonly<Record<string, readonly (number | null)[]>>;

/** The interquartile range of every numeric input in a reference. Categories, and tensors that are only summarised, are left out. */
export function inputSpreads({ layout, columns }: Pick<ReferenceBody, 'layout' | 'columns'>): InputSpreads {
  const spreads = new Map<string, (number | null)[]>();
  for (const [at, { side, kind, tensor, index, summary }] of layout.columns.entries()) {
    if (side !== 'input' || summary !== undefined) continue;
    const own = spreads.get(tensor) ?? [];
    const place = index ?? 0;
    while (own.length <= place) own.push(null);
    const quantiles = kind === 'numeric' ? columns[at]?.quantiles : null;
    own[place] = quantiles === null || quantiles === undefined ? null : quantiles.p75 - quantiles.p25;
    spreads.set(tensor, own);
  }
  return Object.fromEntries(spreads);
}

/** Whether anything would be disturbed by them. */
export function hasSpread(spreads: InputSpreads): boolean {
  return Object.values(spreads).some((own) => own.some((spread) => spread !== null && spread > 0));
}
