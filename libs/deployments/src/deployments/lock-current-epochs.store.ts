import type { Transaction } from '@slipway/platform';

/** Those deployments whose epoch is still the one planned for; it cannot change before this transaction ends. */
export async function lockCurrentEpochs(tx: Transaction, planned: readonly { deploymentId: string; epoch: number }[]): Promise<ReadonlySet<string>> {
  const epochs = new Map(planned.map(({ deploymentId, epoch }) => [deploymentId, epoch]));
  if (epochs.size === 0) return new Set();
  const rows = await tx.$queryRaw<{ id: string }[]>`
    select d.id from "Deployment" d join unnest(${[...epochs.keys()]}::text[], ${[...epochs.values()]}::int[]) as planned(id, epoch)
      on planned.id = d.id and planned.epoch = d.epoch
    for share of d`;
  return new Set(rows.map((row) => row.id));
}
