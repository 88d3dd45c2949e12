import type { Profile, ReferenceBody, TrustGrade } from '@slipway/contracts';
import { domainAucOfProfile, outOfRangeShare, type ProfileShift, profileShift } from './profile-shift.js';

/** Limits of `monitoring.md` 6.9: below the first it is an A, below the second a B. */
const domainLimits = { a: 0.65, b: 0.8 };
const outOfRangeLimit = 0.01;
const eceLimit = 0.03;
/** Where a reference does not say how far shifts add up. */
const unknownIndependence = 0.5;

/** What a grade is given from. */
export interface TrustFacts {
  /** Undefined: the window has too few rows to be told apart from the reference. */
  readonly domainAuc: number | undefined;
  readonly domainFrom: TrustGrade['domainFrom'];
  readonly outOfRange: { readonly share: number; readonly column: string } | undefined;
  /** Undefined for a regressor. */
  readonly ece: number | undefined;
  /** The column that has moved most. */
  readonly moved?: string | null | undefined;
}

/**
 * How far an estimate without labels can be trusted: as long as the rows look like those of the reference, hold nothing that it has not seen, and the
 * scores meant there what they say.
 */
export function gradeTrust({ domainAuc, domainFrom, outOfRange, ece, moved }: TrustFacts): TrustGrade {
  const reasons: string[] = [];
  const isFar = domainAuc === undefined || domainAuc >= domainLimits.b;
  if (domainAuc === undefined) reasons.push('it is not known whether the rows look like those of the reference');
  else if (domainAuc >= domainLimits.a) {
    const by = moved === undefined || moved === null ? '' : `, most of all by ${JSON.stringify(moved)}`;
    reasons.push(`rows of the window can be told from those of the reference with an AUC of ${domainAuc.toFixed(2)} (limit ${domainLimits.a})${by}`);
  }
  if (outOfRange !== undefined && outOfRange.share >= outOfRangeLimit)
    reasons.push(
      `${(100 * outOfRange.share).toFixed(1)} % of the values of ${JSON.stringify(outOfRange.column)} lie outside of what the reference has seen (limit 1 %)`,
    );
  if (ece !== undefined && ece >= eceLimit) reasons.push(`the scores were off by ${ece.toFixed(3)} on the reference itself (limit ${eceLimit})`);
  const grade = reasons.length === 0 ? 'A' : isFar ? 'C' : 'B';
  return { grade, domainAuc: domainAuc ?? null, domainFrom, outOfRangeShare: outOfRange?.share ?? null, ece: ece ?? null, reasons };
}

/** The facts that counts tell. */
export function trustFactsOf(
  reference: Pick<ReferenceBody, 'layout' | 'profile' | 'independence' | 'labelled'>,
  window: Profile | undefined,
): TrustFacts {
  const ece = reference.labelled?.ece?.after;
  const nothing: TrustFacts = { domainAuc: undefined, domainFrom: 'profile', outOfRange: undefined, ece };
  if (window === undefined || window.layout !== reference.layout.id || window.rows === 0) return nothing;
  const columns = reference.layout.columns.flatMap((column, index) => {
    const [before, after] = [reference.profile.columns[index], window.columns[index]];
    return before === undefined || after === undefined ? [] : [{ ...column, reference: before, window: after }];
  });
  const shift: ProfileShift = profileShift(columns);
  const shares = columns.flatMap(({ name, kind, side, reference: before, window: after }) => {
    const share = side === 'input' ? outOfRangeShare(kind, before, after) : undefined;
    return share === undefined ? [] : [{ column: name, share: withoutNoise(share, after.n) }];
  });
  const outOfRange = shares.reduce<TrustFacts['outOfRange']>((most, each) => (each.share > (most?.share ?? -1) ? each : most), undefined);
  return {
    domainAuc: domainAucOfProfile(shift, reference.independence ?? unknownIndependence),
    domainFrom: 'profile',
    outOfRange,
    ece,
    moved: shift.column,
  };
}

/** A share of a few rows may be a single one: what is certain of it at two standard errors, from the limit downwards. */
function withoutNoise(share: number, rows: number): number {
  return share < outOfRangeLimit ? share : Math.max(0, share - 2 * Math.sqrt((outOfRangeLimit * (1 - outOfRangeLimit)) / Math.max(1, rows)));
}

/** The worse of two ways of seeing the same rows. */
export function worseTrust(a: TrustFacts, b: TrustFacts | undefined): TrustFacts {
  if (b?.domainAuc === undefined || b.domainAuc <= (a.domainAuc ?? 1)) return a;
  return { ...a, domainAuc: b.domainAuc, moved: b.moved };
}
