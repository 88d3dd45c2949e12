import { compareSignatures, Signature, SlipwayError } from '@slipway/contracts';
import type { Transaction } from '@slipway/platform';

interface Comparison {
  /** Version ids. */
  readonly before: string;
  readonly after: string;
  /** What would happen, or how to insist; ends the sentence. */
  readonly what: string;
}

/** Refuses a version whose signature would break those who call the other one. @throws SlipwayError SIGNATURE_BREAKING (with each difference) */
export async function refuseBreaking(tx: Transaction, { before, after, what }: Comparison): Promise<void> {
  if (before === after) return;
  const rows = await tx.version.findMany({ where: { id: { in: [before, after] } }, select: { id: true, number: true, signature: true } });
  const old = rows.find((row) => row.id === before);
  const next = rows.find((row) => row.id === after);
  // Versions that were validated have a signature; without one nothing can be compared.
  const known = { old: Signature.safeParse(old?.signature), next: Signature.safeParse(next?.signature) };
  if (!known.old.success || !known.next.success) return;
  const { kind, differences } = compareSignatures(known.old.data, known.next.data);
  if (kind !== 'breaking') return;
  throw new SlipwayError(
    'SIGNATURE_BREAKING',
    `version ${next?.number} breaks those who call version ${old?.number}: ${differences.slice(0, 5).join('; ')}; ${what}`,
  );
}
