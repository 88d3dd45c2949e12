import { GateFact, judgeGates, refusalOf, SlipwayError } from '@slipway/contracts';
import type { Transaction } from '@slipway/platform';

/**
 * Called before a version gets live callers: judges the gates of its model that apply to deploying, from the rows of the view "GateFact".
 * @throws SlipwayError GATE_NOT_MET when one is not met, and the word to override it was not given.
 */
export async function refuseUnmetGates(tx: Transaction, versionId: string, override: boolean | undefined): Promise<void> {
  if (override === true) return;
  const rows = await tx.$queryRaw<unknown[]>`
    select "gate", "version", "status", "reason", "labelled", "measure", "champion" from "GateFact" where "versionId" = ${versionId} order by "position"`;
  const deciding = GateFact.array()
    .parse(rows)
    .filter(({ gate }) => gate.appliesTo.includes('deploy'));
  const refusal = refusalOf(judgeGates(deciding));
  if (refusal !== undefined) throw new SlipwayError('GATE_NOT_MET', `${refusal} Say "overrideGates": true to deploy the version all the same.`);
}
