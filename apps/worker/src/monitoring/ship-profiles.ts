import {
  Counter,
  ProfileLearningStore,
  ProfileWindowStore,
  ReferenceLayouts,
  type Registry,
  rollUpProfiles,
  WatchSettingsStore,
} from '@slipway/metrics';
import type { Jobs } from '../jobs/jobs.js';
import type { Platform } from '../platform.js';
import type { HostAgent } from '../supervising/host-agent.js';
import { Repeater } from '../supervising/repeater.js';
import { ProfileShipper } from './profile-shipper.js';

const shipEveryMs = 1_000;
const rollUpEveryMs = 300_000;

/** Carries the profiles of this host's instances to the database, layouts to the instances, and keeps the stored ones small. */
export function shipProfiles({ db, home, log, settings, shutdown }: Platform, jobs: Jobs, agent: HostAgent, registry: Registry): void {
  const windows = new ProfileWindowStore(db.pool);
  const learning = new ProfileLearningStore(db.pool);
  const watch = new WatchSettingsStore(db.prisma);
  const count = (name: string, help: string) => new Counter({ name, help, registers: [registry] });
  const counted = count('slipway_profile_rows_total', 'Rows of live requests in the profiles that were stored.');
  const lost = count(
    'slipway_profile_rows_lost_total',
    'Rows of live requests that no profile counts: their process was killed first, or they came too late.',
  );
  const unreadable = count('slipway_profile_files_unreadable_total', 'Profile files of instances that could not be read.');
  const shipper = new ProfileShipper({
    home,
    windows,
    learning,
    layouts: new ReferenceLayouts(db.prisma),
    learnRowsOf: async (ids) => new Map([...(await watch.ofAll(ids))].map(([id, { reference }]) => [id, reference.learnRows])),
    liveInstances: () => new Set(agent.list().map(({ instanceId }) => instanceId)),
    log,
    onShipped: (rows) => {
      counted.inc(rows.counted);
      lost.inc(rows.lost);
      unreadable.inc(rows.unreadable);
    },
  });
  const loop = new Repeater('ship profiles', () => shipper.ship(), log);
  loop.start({ everyMs: shipEveryMs });
  shutdown.add('profile shipper', () => loop.close());
  jobs.handle(rollUpProfiles, async () => {
    const done = await windows.rollUp(Date.now());
    const forgotten = (await windows.forget(Date.now(), settings.SLIPWAY_RETENTION_WINDOWS_DAYS)) + (await learning.forgetOld(Date.now()));
    if (done.hours + done.days + forgotten > 0) log.debug({ ...done, forgotten }, 'profiles rolled up');
  });
  jobs.every(rollUpProfiles, rollUpEveryMs, {});
}
