import { type RolloutPlan, SlipwayError } from '@slipway/contracts';
import type { ReceiverStore } from '@slipway/metrics';

/**
 * A plan's hooks name webhook receivers of the project; one that is not there would be noticed only when it is asked, in the middle of a rollout.
 * @throws SlipwayError RECEIVER_NOT_FOUND, ROLLOUT_REFUSED when it is no webhook
 */
export async function requireHookReceivers(receivers: Pick<ReceiverStore, 'get'>, projectId: string, plan: RolloutPlan): Promise<void> {
  for (const name of new Set(plan.hooks.map((hook) => hook.receiver))) {
    const { kind } = await receivers.get(projectId, name);
    if (kind !== 'WEBHOOK') throw new SlipwayError('ROLLOUT_REFUSED', `a hook asks a webhook receiver; "${name}" is of the kind ${kind}`);
  }
}
