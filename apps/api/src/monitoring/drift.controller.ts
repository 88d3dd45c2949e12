import { Controller, Get, Param, Query } from '@nestjs/common';
import { type DeploymentView, DriftQuery, DriftSeries, SlipwayError } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import {
  type ActiveReference,
  ActiveReferenceStore,
  driftBins,
  driftSpan,
  hourlyFrame,
  iso,
  JudgementStore,
  mergeProfiles,
  ProfileLearningStore,
  type ProfileStep,
  ProfileWindowStore,
  profileWindowMs,
  type SeriesFrame,
  seriesFrame,
  WatchSettingsStore,
} from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import type { CsvRow } from '../http/csv.js';
import { Platform } from '../platform.js';

/** Counts are mostly kept by the hour, so a day is shown when nothing is asked. */
const defaultSpanMs = 86_400_000;
const fineMs = 6 * 3_600_000;

@Controller('v1/deployments/:deployment/drift')
export class DriftController {
  private readonly deployments: DeploymentStore;
  private readonly profiles: ProfileWindowStore;
  private readonly learning: ProfileLearningStore;
  private readonly references: ActiveReferenceStore;
  private readonly judgements: JudgementStore;
  private readonly settings: WatchSettingsStore;

  constructor({ db }: Platform) {
    this.deployments = new DeploymentStore(db.prisma);
    this.profiles = new ProfileWindowStore(db.pool);
    this.learning = new ProfileLearningStore(db.pool);
    this.references = new ActiveReferenceStore(db.prisma);
    this.judgements = new JudgementStore(db.pool);
    this.settings = new WatchSettingsStore(db.prisma);
  }

  @Get()
  @Policy('view')
  @Answers(
    200,
    DriftSeries,
    'How far inputs and outputs of one version lie from its reference, in steps of five minutes within the last six hours and of whole hours before, ranked by what it means for the predictions. The span asked for is judged as one window; `judgements` is what alerts follow. With `column` the distributions of that one.',
    {
      name: 'drift',
      columns: ['at', 'column', 'side', 'n', 'effect', 'psi', 'noise', 'p', 'missingShare', 'unseenShare', 'outOfRangeShare', 'mean'],
      rows: driftRows,
    },
  )
  async drift(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: DriftQuery }) query: DriftQuery,
  ): Promise<DriftSeries> {
    const toMs = query.to === undefined ? Date.now() : Date.parse(query.to);
    const frame = frameOf(query, toMs);
    const deployment = await this.deployments.view(caller.projectId, name);
    const version = versionOf(deployment, query.version);
    const [reference, judged] = await Promise.all([
      version === undefined ? undefined : this.references.activeReference(version.versionId),
      this.judgements.current(deployment.id, ['drift', 'data_quality']),
    ]);
    const common = {
      ...{ from: iso(frame.fromMs), to: iso(frame.toMs), stepSeconds: frame.stepSeconds, version: version?.version ?? null },
      judgements: judged.filter((one) => one.version === (version?.version ?? null)),
    };
    if (version === undefined || reference === undefined) return { ...common, ...nothing, ...(await this.whyNone(deployment.id, version)) };
    return { ...common, ...(await this.seen({ deploymentId: deployment.id, versionId: version.versionId, frame, reference, column: query.column })) };
  }

  private async seen(asked: { deploymentId: string; versionId: string; frame: SeriesFrame; reference: ActiveReference; column: string | undefined }) {
    const { deploymentId, versionId, frame, reference, column } = asked;
    const query = { deploymentId, versionId, fromMs: frame.fromMs, toMs: frame.toMs, layoutId: reference.body.layout.id };
    const [found, settings] = await Promise.all([
      this.profiles.steps({ ...query, stepMs: frame.stepSeconds * 1000 }),
      this.settings.get(deploymentId),
    ]);
    const steps = found?.steps ?? [];
    return {
      ...driftSpan(reference.body, steps, settings),
      off: steps.length > 0 ? null : 'No rows were counted in this span since the reference is in place.',
      reference: { id: reference.id, source: reference.source, rows: reference.body.rows, createdAt: iso(reference.createdAtMs) },
      learning: null,
      detail: detailOf(reference, steps, column),
    };
  }

  private async whyNone(deploymentId: string, version: ServedVersion | undefined) {
    if (version === undefined) return { off: 'No version takes traffic.', learning: null };
    const [{ reference }, rows] = await Promise.all([this.settings.get(deploymentId), this.learning.rowsOf([version.versionId])]);
    const learning = { rows: Math.min(rows.get(version.versionId) ?? 0, reference.learnRows), wanted: reference.learnRows };
    return { off: `Version ${version.version} has no reference yet: ${learning.rows} of ${learning.wanted} rows are learned.`, learning };
  }
}

/** Windows of five minutes are kept for six hours, hours after: a span that reaches further back has steps of whole hours. */
function frameOf(query: DriftQuery, toMs: number): SeriesFrame {
  const fromMs = query.from === undefined ? toMs - defaultSpanMs : Date.parse(query.from);
  const asked = { ...query, from: iso(fromMs) };
  if (fromMs < Date.now() - fineMs) return hourlyFrame(seriesFrame(asked, toMs));
  return seriesFrame({ ...asked, step: Math.max(query.step ?? 0, profileWindowMs / 1000) }, toMs);
}

const nothing = { reference: null, rows: 0, span: null, columns: [], detail: null };

type ServedVersion = Pick<DeploymentView['revisions'][number], 'version' | 'versionId'>;

/** The version asked for, else the one that takes most of the traffic. @throws SlipwayError VERSION_NOT_FOUND */
function versionOf({ revisions, name }: DeploymentView, asked: number | undefined): ServedVersion | undefined {
  if (asked === undefined) {
    const [most] = revisions.filter(({ weightPercent }) => weightPercent > 0).sort((one, other) => other.weightPercent - one.weightPercent);
    return most ?? revisions.find(({ activatedAt, retiredAt }) => activatedAt !== null && retiredAt === null);
  }
  const found = revisions.find(({ version }) => version === asked);
  if (found === undefined) throw new SlipwayError('VERSION_NOT_FOUND', `none of the latest revisions of deployment "${name}" has version ${asked}`);
  return found;
}

function detailOf({ body }: ActiveReference, steps: readonly ProfileStep[], column: string | undefined): DriftSeries['detail'] {
  if (column === undefined) return null;
  const known = body.layout.columns.map(({ name }) => name);
  if (!known.includes(column)) {
    const shown = known.slice(0, 20).join('", "');
    throw new SlipwayError(
      'REQUEST_INVALID',
      `Expected "column" to be one of "${shown}"${known.length > 20 ? ' …' : ''}, but got ${JSON.stringify(column.slice(0, 64))}.`,
    );
  }
  if (steps.length === 0) return null;
  const bins = driftBins(body, mergeProfiles(steps.map(({ profile }) => profile)), column);
  return bins === undefined ? null : { column, ...bins };
}

/** A row per step and column. */
function driftRows({ columns, version }: DriftSeries): CsvRow[] {
  return columns.flatMap(({ column, side, points }) =>
    points.map(({ at, interval, ...point }) => ({ at, column, side, version, lower: interval?.[0] ?? null, upper: interval?.[1] ?? null, ...point })),
  );
}
