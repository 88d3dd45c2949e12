import { Inject, Module, type OnModuleInit } from '@nestjs/common';
import { deploymentNames, projectsOf, versionTasks } from '@slipway/deployments';
import {
  backfillQuality,
  Counter,
  countPredicted,
  HourStore,
  LabelStore,
  maintainPartitions,
  maintainTelemetry,
  PredictionStore,
  QualityBackfillStore,
  type Registry,
  resolveParkedLabels,
  sumHours,
  sweepJudged,
  trimQualityWindows,
  WatchSettingsStore,
} from '@slipway/metrics';
import { REGISTRY } from '../health/health-server.js';
import { Jobs } from '../jobs/jobs.js';
import { Platform } from '../platform.js';
import { HostAgent } from '../supervising/host-agent.js';
import { Repeater } from '../supervising/repeater.js';
import { SupervisingModule } from '../supervising/supervising.module.js';
import { measureResources } from './measure-resources.js';
import { RecordShipper } from './record-shipper.js';
import { shipProfiles } from './ship-profiles.js';
import { SpoolCounts } from './spool-counts.js';

const shipEveryMs = 1_000;
const watchEveryMs = 2_000;
const maintainEveryMs = 3_600_000;
const resolveEveryMs = 5_000;
const sumHoursEveryMs = 60_000;
const backfillEveryMs = 10_000;
/** Steps of one round; what serves has the database between them. */
const backfillSteps = 20;

/** Measures the instances of this host, ships their records, and keeps the time series in order. */
@Module({ imports: [SupervisingModule] })
export class MonitoringModule implements OnModuleInit {
  constructor(
    private readonly platform: Platform,
    private readonly jobs: Jobs,
    private readonly agent: HostAgent,
    @Inject(REGISTRY) private readonly registry: Registry,
  ) {}

  onModuleInit(): void {
    measureResources(this.platform, this.agent, this.registry);
    this.ship();
    shipProfiles(this.platform, this.jobs, this.agent, this.registry);
    this.maintain();
  }

  private ship(): void {
    const { db, home, log, shutdown } = this.platform;
    const shipped = new Counter({ name: 'slipway_records_shipped_total', help: 'Prediction records stored.', registers: [this.registry] });
    const dropped = new Counter({
      name: 'slipway_records_dropped_total',
      help: 'Prediction records that could not be read or stored.',
      registers: [this.registry],
    });
    const shipper = new RecordShipper({
      home,
      predictions: new PredictionStore(db.pool, countPredicted),
      projectsOf: (ids) => projectsOf(db.prisma, ids),
      liveInstances: () => new Set(this.agent.list().map(({ instanceId }) => instanceId)),
      log,
      onShipped: (records) => {
        shipped.inc(records.shipped);
        dropped.inc(records.dropped);
      },
    });
    const loop = new Repeater('ship records', () => shipper.ship(), log);
    loop.start({ everyMs: shipEveryMs });
    const counts = new SpoolCounts(this.registry);
    // Apart from the shipping, which waits while the database is away: what piles up is to be seen above all then.
    const watch = new Repeater('watch spools', async () => counts.observe(this.agent.list()), log);
    watch.start({ everyMs: watchEveryMs });
    shutdown.add('record shipper', async () => {
      await watch.close();
      await loop.close();
    });
  }

  private maintain(): void {
    const { db, settings, log } = this.platform;
    const retention = { predictionsDays: settings.SLIPWAY_RETENTION_PREDICTIONS_DAYS, windowsDays: settings.SLIPWAY_RETENTION_WINDOWS_DAYS };
    const watch = new WatchSettingsStore(db.prisma);
    const labels = new LabelStore(db.pool, retention.predictionsDays * 86_400, {
      latenessSeconds: async (deploymentId) => (await watch.get(deploymentId)).labels.latenessDays * 86_400,
      tasksOf: (deploymentId, versions) => versionTasks(db.prisma, deploymentId, versions),
    });
    const hours = new HourStore(db.pool);
    this.jobs.handle(maintainTelemetry, async () => {
      await hours.forget(retention.windowsDays);
      await trimQualityWindows(db.pool, retention.windowsDays);
      await sweepJudged(db.pool, { windowsDays: retention.windowsDays, living: (ids) => deploymentNames(db.prisma, ids) });
      const done = await maintainPartitions(db.pool, retention);
      if (done.busy > 0) log.warn(done, 'days past their retention are being read; they are dropped next time');
      else if (done.made > 0 || done.dropped > 0 || done.evidence > 0) log.info(done, 'partitions maintained');
    });
    this.jobs.handle(resolveParkedLabels, async () => {
      const done = await labels.resolveParked();
      if (done.resolved > 0 || done.expired > 0) log.info(done, 'parked labels resolved');
    });
    this.jobs.handle(sumHours, async () => {
      const summed = await hours.sum();
      if (summed > 0) log.debug({ summed }, 'hours summed');
    });
    this.backfill();
    this.jobs.every(sumHours, sumHoursEveryMs, {});
    this.jobs.every(maintainTelemetry, maintainEveryMs, {});
    this.jobs.every(resolveParkedLabels, resolveEveryMs, {});
  }

  /** After an update: predictions of before it have a quality too. */
  private backfill(): void {
    const { db, log } = this.platform;
    const backfill = new QualityBackfillStore(db.pool, (deploymentId, versions) => versionTasks(db.prisma, deploymentId, versions));
    this.jobs.handle(backfillQuality, async () => {
      let counted = 0;
      for (let step = 0; step < backfillSteps; step += 1) {
        const rows = await backfill.step();
        if (rows === undefined) break;
        counted += rows;
      }
      if (counted > 0) log.info({ counted }, 'earlier predictions and labels counted');
    });
    this.jobs.every(backfillQuality, backfillEveryMs, {});
  }
}
