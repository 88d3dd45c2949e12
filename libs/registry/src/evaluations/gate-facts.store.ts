import { GateFact, type GateVerdict, judgeGates, refusalOf, SlipwayError } from '@slipway/contracts';
import type { Database, Transaction } from '@slipway/platform';

/** The gates of a version's model, judged for that version from what is known now. */
export async function judgeVersion(db: Database | Transaction, versionId: string): Promise<GateVerdict[]> {
  const rows = await db.$queryRaw<unknown[]>`
    select "gate", "version", "status", "reason", "labelled", "measure", "champion" from "GateFact" where "versionId" = ${versionId} order by "position"`;
  return judgeGates(GateFact.array().parse(rows));
}

/**
 * Called before an alias is moved to a version.
 * @returns sentences of unmet gates that were overridden
 * @throws SlipwayError GATE_NOT_MET when a gate that guards this alias is not met, and the word to override it was not given.
 */
export async function refuseUnmetGates(
  tx: Transaction,
  version: { readonly id: string; readonly alias: string },
  override: boolean | undefined,
): Promise<string | undefined> {
  const verdicts = await judgeVersion(tx, version.id);
  const guarding = verdicts.filter(({ gate }) => gate.appliesTo.includes('alias') && gate.alias.toLowerCase() === version.alias.toLowerCase());
  const refusal = refusalOf(guarding);
  if (refusal !== undefined && override !== true)
    throw new SlipwayError('GATE_NOT_MET', `${refusal} Say "overrideGates": true to move the alias "${version.alias}" all the same.`);
  return refusal;
}
