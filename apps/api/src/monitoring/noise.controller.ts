import { Controller, Get, Param, Query } from '@nestjs/common';
import { type DeploymentView, NoiseSeries, WholeSeriesQuery } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import {
  hourlyFrame,
  iso,
  JudgementStore,
  type KnownNoise,
  NoiseBaselineStore,
  type NoiseHour,
  NoiseHourStore,
  noiseBudget,
  noiseSeries,
  ServingSeriesStore,
  seriesFrame,
} from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import type { CsvRow } from '../http/csv.js';
import { Platform } from '../platform.js';

/** Measurements are kept by the hour, so a day is shown when nothing is asked. */
const defaultSpanMs = 86_400_000;

@Controller('v1/deployments/:deployment/noise')
export class NoiseController {
  private readonly deployments: DeploymentStore;
  private readonly hours: NoiseHourStore;
  private readonly serving: ServingSeriesStore;
  private readonly judgements: JudgementStore;
  private readonly baselines: NoiseBaselineStore;

  constructor({ db }: Platform) {
    this.deployments = new DeploymentStore(db.prisma);
    this.hours = new NoiseHourStore(db.pool);
    this.serving = new ServingSeriesStore(db.pool);
    this.judgements = new JudgementStore(db.pool);
    this.baselines = new NoiseBaselineStore(db.prisma);
  }

  @Get()
  @Policy('view')
  @Answers(
    200,
    NoiseSeries,
    'How far answers to the same, or nearly the same, input lie apart, in steps of whole hours, with what is usual and what measuring has cost.',
    { name: 'noise', columns: ['at', 'probe', 'version', 'n', 'failed', 'runs', 'p50', 'p95', 'max', 'meanVariance', 'flipRatio'], rows: noiseRows },
  )
  async noise(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: WholeSeriesQuery }) query: WholeSeriesQuery,
  ): Promise<NoiseSeries> {
    const toMs = query.to === undefined ? Date.now() : Date.parse(query.to);
    const frame = hourlyFrame(seriesFrame({ ...query, from: query.from ?? iso(toMs - defaultSpanMs) }, toMs));
    const deployment = await this.deployments.view(caller.projectId, name);
    const asked = { deploymentId: deployment.id, fromMs: frame.fromMs, toMs: frame.toMs, version: query.version };
    const [hours, served, judged] = await Promise.all([
      this.hours.hours(asked),
      this.serving.steps({ deploymentId: deployment.id, frame, version: query.version }),
      this.judgements.current(deployment.id, ['noise']),
    ]);
    const { percent, off } = wishOf(deployment);
    return {
      from: iso(frame.fromMs),
      to: iso(frame.toMs),
      stepSeconds: frame.stepSeconds,
      off,
      probes: noiseSeries(hours, frame, await this.knownOf(deployment, hours)),
      budget: noiseBudget(
        hours,
        served.reduce((sum, { requests }) => sum + requests, 0),
        percent,
      ),
      judgements: judged.filter(({ version }) => query.version === undefined || version === query.version),
    };
  }

  private async knownOf({ revisions }: DeploymentView, hours: readonly NoiseHour[]): Promise<ReadonlyMap<number, KnownNoise>> {
    const known = new Map<number, KnownNoise>();
    for (const version of new Set(hours.map((hour) => hour.version))) {
      const versionId = revisions.find((revision) => revision.version === version)?.versionId;
      const noise = versionId === undefined ? undefined : await this.baselines.of(versionId);
      if (noise !== undefined) known.set(version, noise);
    }
    return known;
  }
}

/** Of the revision that takes most of the traffic. */
function wishOf({ revisions }: DeploymentView): { readonly percent: number; readonly off: string | null } {
  const [active] = revisions.filter(({ weightPercent }) => weightPercent > 0).sort((a, b) => b.weightPercent - a.weightPercent);
  if (active === undefined) return { percent: 0, off: 'No revision takes traffic.' };
  const { percent } = active.spec.monitoring.noise;
  return { percent, off: percent > 0 ? null : 'The active revision wishes no measurements: its monitoring.noise.percent is 0.' };
}

/** A row per step, probe and version. */
function noiseRows({ probes }: NoiseSeries): CsvRow[] {
  return probes.flatMap(({ probe, version, points }) => points.map(({ at, ...point }) => ({ at, probe, version, ...point })));
}
