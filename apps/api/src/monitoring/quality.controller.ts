import { Controller, Get, Param, Query } from '@nestjs/common';
import { type DeploymentView, type Judgement, type QualityPoint, QualitySeries, SeriesQuery } from '@slipway/contracts';
import { DeploymentStore, type ServedVersion, servedVersions } from '@slipway/deployments';
import {
  ActiveReferenceStore,
  alarmShares,
  JudgementStore,
  JudgeStateStore,
  type QualityBaseline,
  QualityBaselineStore,
  QualityEstimates,
  QualitySeriesStore,
  type SeriesFrame,
  seriesFrame,
  WatchSettingsStore,
} from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import type { CsvRow } from '../http/csv.js';
import { Platform } from '../platform.js';

/** Versions that a chart is judged for. */
const versionsMost = 8;

@Controller('v1/deployments/:deployment/quality')
export class QualityController {
  private readonly deployments: DeploymentStore;
  private readonly series: QualitySeriesStore;
  private readonly baselines: QualityBaselineStore;
  private readonly settings: WatchSettingsStore;
  private readonly judgements: JudgementStore;
  private readonly estimates: QualityEstimates;

  constructor(private readonly platform: Platform) {
    const { db } = platform;
    this.deployments = new DeploymentStore(db.prisma);
    this.series = new QualitySeriesStore(db.pool);
    this.baselines = new QualityBaselineStore(db.pool, new JudgeStateStore(db.pool), new ActiveReferenceStore(db.prisma));
    this.settings = new WatchSettingsStore(db.prisma);
    this.judgements = new JudgementStore(db.pool);
    this.estimates = new QualityEstimates(db);
  }

  @Get()
  @Policy('view')
  @Answers(
    200,
    QualitySeries,
    'What labels say about the predictions, filed under the time of the prediction: every metric with its interval, per step, version and slice, judged by what is usual; how labels come in; the worst predictions; and what is to be expected without labels. The span asked for is judged as one window in `versions`; `judgements` is what alerts follow.',
    { name: 'quality', columns: ['at', 'version', 'predicted', 'labelled', 'maturity'], rows: qualityRows },
  )
  async quality(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: SeriesQuery }) query: SeriesQuery,
  ): Promise<QualitySeries> {
    const nowMs = Date.now();
    const frame = seriesFrame(query, nowMs);
    const deployment = await this.deployments.view(caller.projectId, name);
    const versions = await servedVersions(this.platform.db.prisma, deployment.id, versionsOf(deployment, query.version));
    const [baselines, judged, estimated] = await Promise.all([
      this.baselinesOf(deployment.id, versions),
      this.judgements.current(deployment.id, ['quality', 'prediction_error', 'labels']),
      query.slice === undefined ? this.estimatesOf(deployment, versions, frame) : null,
    ]);
    const asked = {
      deploymentId: deployment.id,
      frame,
      version: query.version,
      slice: query.slice,
      nowMs,
      task: deployment.task ?? undefined,
      baselines,
    };
    const measured = await this.series.series(asked);
    const judgements = judged.filter(({ version }) => version === null || query.version === undefined || version === query.version);
    return { ...measured, judgements, estimated };
  }

  private async baselinesOf(deploymentId: string, versions: readonly ServedVersion[]): Promise<Map<number, QualityBaseline>> {
    const { reference } = await this.settings.get(deploymentId);
    const known = await Promise.all(
      versions.map(async (version) => [version.version, await this.baselines.of(deploymentId, version, { learnRows: reference.learnRows })] as const),
    );
    return new Map(known.flatMap(([version, one]) => (one.kind === 'known' ? [[version, one.baseline] as const] : [])));
  }

  private async estimatesOf(
    { id: deploymentId, revisions }: DeploymentView,
    versions: readonly ServedVersion[],
    { fromMs, toMs, stepSeconds }: SeriesFrame,
  ) {
    const serving = new Set(revisions.filter(({ weightPercent }) => weightPercent > 0).map(({ version }) => version));
    const allowed = (await this.settings.get(deploymentId)).alarmsPerMonth * alarmShares.estimated_quality;
    const of = versions.map((version) => ({ deploymentId, ...version, alarmsPerMonth: allowed / Math.max(1, serving.size) }));
    return this.estimates.series(of, { fromMs, toMs, stepMs: stepSeconds * 1000 });
  }
}

/** Those with traffic first. */
function versionsOf({ revisions }: DeploymentView, asked: number | undefined): number[] {
  if (asked !== undefined) return [asked];
  const ordered = [...revisions].sort((one, other) => other.weightPercent - one.weightPercent || other.revision - one.revision);
  return [...new Set(ordered.map(({ version }) => version))].slice(0, versionsMost);
}

/** A row per step of the whole deployment (its version is empty), then per step of each version; metrics with their limits. */
function qualityRows({ total, byVersion }: QualitySeries): CsvRow[] {
  return [
    ...total.map((point) => qualityRow(null, point)),
    ...byVersion.flatMap(({ version, points }) => points.map((point) => qualityRow(version, point))),
  ];
}

function qualityRow(version: number | null, { at, predicted, labelled, maturity, metrics }: QualityPoint): CsvRow {
  const cells = Object.entries(metrics).flatMap(([name, judgement]) => metricCells(name, judgement));
  return { at, version, predicted, labelled, maturity: maturity.state, ...Object.fromEntries(cells) };
}

function metricCells(name: string, { value, interval, threshold, verdict }: Judgement): [string, string | number | null][] {
  const bounds: [string, number | null][] = [
    [`${name}_lower`, interval?.[0] ?? null],
    [`${name}_upper`, interval?.[1] ?? null],
  ];
  return [[name, value], ...bounds, [`${name}_limit`, threshold], [`${name}_verdict`, verdict]];
}
