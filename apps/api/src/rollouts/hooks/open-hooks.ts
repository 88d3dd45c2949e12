import { ReceiverStore } from '@slipway/metrics';
import { Egress, parseEgressAllow } from '@slipway/platform';
import type { Platform } from '../../platform.js';
import { HookLogStore } from './hook-log.store.js';
import type { RolloutHooks } from './rollout-hooks.js';
import { WebhookHooks } from './webhook-hooks.js';

/** The longest that a plan may wait for a hook. */
const longestMs = 60_000;

/** Hooks that go out under the installation's rules for what may be reached. */
export function openHooks({ db, masterKey, settings }: Pick<Platform, 'db' | 'masterKey' | 'settings'>): RolloutHooks {
  const ownHosts = settings.SLIPWAY_PUBLIC_URL === undefined ? [] : [new URL(settings.SLIPWAY_PUBLIC_URL).hostname];
  return new WebhookHooks({
    receivers: new ReceiverStore(db.prisma, masterKey),
    log: new HookLogStore(db.prisma),
    egress: new Egress({ allow: parseEgressAllow(settings.SLIPWAY_EGRESS_ALLOW), ownHosts, timeoutMs: longestMs }),
  });
}
