import type { EstimatedQuality, EstimatedQualityPoint, JudgementView, Profile, ReferenceBody, Task, TrustGrade } from '@slipway/contracts';
import type { Database } from '@slipway/platform';
import type { Pool } from 'pg';
import { JudgementStore } from '../judgements/judgement.store.js';
import { countColumns, layoutOf, predictionColumn, scoreColumn } from '../profiles/index.js';
import { ProfileWindowStore } from '../profiles/profile-window.store.js';
import { ActiveReferenceStore } from '../references/reference.store.js';
import { iso } from '../series/series-frame.js';
import { partOf } from './error-table.js';
import { estimateWindow, type RecordedScore, realisedWindow, type WindowEstimate } from './estimate-window.js';
import { type EstimateJudgement, judgeEstimates } from './judge-estimates.js';
import { domainAucOfProfile, profileShift } from './profile-shift.js';
import { RecordedScoreStore } from './recorded-score.store.js';
import { trackRecordOf } from './track-record.js';
import { gradeTrust, type TrustFacts, trustFactsOf, worseTrust } from './trust-grade.js';

/** Rows that a step of a series must have. */
const stepRowsMin = 100;
/** Labels that must have come before an estimate is compared with them: so many, and of so many of the rows. */
const realisedRowsMin = 100;
const realisedShare = 0.8;
const trackRecordMs = 30 * 86_400_000;

/** A version of a deployment whose quality is estimated. */
export interface EstimatedVersion {
  readonly deploymentId: string;
  readonly versionId: string;
  readonly version: number;
  readonly task: Task | undefined;
  /** False alarms that its estimates may bring (`allowedAlarms`); left out: as of the one version of a deployment with default settings. */
  readonly alarmsPerMonth?: number | undefined;
}

/** The estimate of one window. */
export interface EstimatedWindow {
  readonly estimate: WindowEstimate;
  readonly trust: TrustGrade;
  readonly judged: readonly EstimateJudgement[];
  /** From labels, once enough have come. */
  readonly realised: Readonly<Record<string, number>> | undefined;
}

/** Quality without labels, from the records, the counts and the active references of versions. */
export class QualityEstimates {
  private readonly references: ActiveReferenceStore;
  private readonly scores: RecordedScoreStore;
  private readonly profiles: ProfileWindowStore;
  private readonly judgements: JudgementStore;

  constructor(db: { readonly prisma: Database; readonly pool: Pool }) {
    this.references = new ActiveReferenceStore(db.prisma);
    this.scores = new RecordedScoreStore(db.pool);
    this.profiles = new ProfileWindowStore(db.pool);
    this.judgements = new JudgementStore(db.pool);
  }

  /** About how many predictions a version made in a window. */
  async count(of: EstimatedVersion, fromMs: number, toMs: number): Promise<number> {
    return this.scores.count({ ...of, fromMs, toMs });
  }

  /** Why nothing can be estimated of a version; undefined when something can. */
  async whyOff({ versionId, version, task }: EstimatedVersion): Promise<string | undefined> {
    if (task === undefined || task.kind === 'other') return `version ${version} does not say what its answers mean; state its task`;
    const reference = await this.references.activeReference(versionId);
    if (reference === undefined) return `version ${version} has no reference profile; upload a labelled set, or make one of a file`;
    const { labelled } = reference.body;
    if (labelled === null) return `the reference profile of version ${version} was made of rows without labels, or of fewer than 200 with labels`;
    if (task.kind === 'binary' && labelled.calibration === undefined)
      return `version ${version} gives no scores between 0 and 1, which an estimate is made from`;
    return undefined;
  }

  /** @returns undefined where nothing can be estimated (see `whyOff`), or there are no rows. */
  async window(of: EstimatedVersion, fromMs: number, toMs: number): Promise<EstimatedWindow | undefined> {
    const known = await this.known(of);
    if (known === undefined) return undefined;
    const { rows } = await this.scores.window({ ...of, fromMs, toMs });
    return estimateRows(known, rows, await this.profileOf(of, known.body, fromMs, toMs));
  }

  /** The `estimated` part of a quality series, the running window included. */
  async series(versions: readonly EstimatedVersion[], query: { fromMs: number; toMs: number; stepMs: number }): Promise<EstimatedQuality> {
    const { fromMs, toMs, stepMs } = query;
    const series: EstimatedQuality = { off: null, window: [], points: [], judgements: [], trackRecord: [] };
    for (const of of versions) {
      const known = await this.known(of);
      if (known === undefined) continue;
      const { rows } = await this.scores.window({ ...of, fromMs, toMs });
      const profile = await this.profileOf(of, known.body, fromMs, toMs);
      const whole = estimateRows(known, rows, profile);
      if (whole === undefined) continue;
      for (const point of pointsOf(of, whole, fromMs, toMs)) {
        const judged = whole.judged.find(({ subject }) => subject === point.metric);
        series.window.push({ ...point, judgement: judged === undefined ? null : judgementOf(judged) });
      }
      for (const [atMs, own] of groupBySteps(rows, fromMs, stepMs)) {
        const step = own.length < stepRowsMin ? undefined : estimateRows(known, own, profile);
        if (step !== undefined) series.points.push(...pointsOf(of, step, Math.max(fromMs, atMs), Math.min(toMs, atMs + stepMs)));
      }
    }
    const [first] = versions;
    if (first === undefined) return { ...series, off: 'nothing serves' };
    const { deploymentId } = first;
    const past = await this.judgements.between({ deploymentId, kind: 'estimated_quality', fromMs: Math.min(fromMs, toMs - trackRecordMs), toMs });
    const numbers = new Set(versions.map(({ version }) => version));
    const own = past.filter(({ version }) => version !== null && numbers.has(version));
    const inWindow = (each: JudgementView) => Date.parse(each.to) > fromMs;
    const off = series.window.length > 0 ? null : await this.reasonOff(versions);
    return { ...series, off, judgements: own.filter(inWindow), trackRecord: trackRecordOf(own) };
  }

  private async reasonOff(versions: readonly EstimatedVersion[]): Promise<string> {
    for (const of of versions) {
      const why = await this.whyOff(of);
      if (why !== undefined) return why;
    }
    return 'there are no recorded predictions in this window';
  }

  private async known(of: EstimatedVersion): Promise<KnownReference | undefined> {
    const { task } = of;
    if (task === undefined || task.kind === 'other') return undefined;
    const body = (await this.references.activeReference(of.versionId))?.body;
    return body === undefined || body.labelled === null ? undefined : { task, body, labelled: body.labelled, alarmsPerMonth: of.alarmsPerMonth };
  }

  private async profileOf(of: EstimatedVersion, { layout }: ReferenceBody, fromMs: number, toMs: number): Promise<Profile | undefined> {
    const { deploymentId, versionId } = of;
    return (await this.profiles.window({ deploymentId, versionId, fromMs, toMs, layoutId: layout.id }))?.profile;
  }
}

interface KnownReference {
  readonly task: Task;
  readonly body: ReferenceBody;
  readonly labelled: NonNullable<ReferenceBody['labelled']>;
  readonly alarmsPerMonth: number | undefined;
}

function estimateRows(
  { task, body, labelled, alarmsPerMonth }: KnownReference,
  rows: readonly RecordedScore[],
  profile: Profile | undefined,
): EstimatedWindow | undefined {
  const estimate = estimateWindow(task, labelled, rows, columnCountsOf(body, profile));
  if (estimate === undefined) return undefined;
  // Counts are of whole windows of theirs; what was answered is known row by row.
  const trust = gradeTrust(worseTrust(trustFactsOf(body, profile), answersMoved(body, rows)));
  const known = rows.filter(({ label, labelNumber }) => label !== null || labelNumber !== null).length;
  const isRealised = known >= realisedRowsMin && known >= realisedShare * rows.length;
  return {
    estimate,
    trust,
    judged: judgeEstimates(task, labelled, estimate, { trust, alarmsPerMonth }),
    realised: isRealised ? realisedWindow(task, labelled, rows) : undefined,
  };
}

/** How far the scores and classes of these very rows have moved. */
function answersMoved(body: ReferenceBody, rows: readonly RecordedScore[]): TrustFacts | undefined {
  const places = [...body.layout.columns.keys()].filter((index) => [predictionColumn, scoreColumn].includes(body.layout.columns[index]?.name ?? ''));
  if (places.length === 0 || rows.length < stepRowsMin) return undefined;
  const columns = places.flatMap((index) => body.layout.columns[index] ?? []);
  const values = columns.map(({ name, kind }) => {
    if (name === scoreColumn) return Float64Array.from(rows, ({ score }) => score ?? Number.NaN);
    return kind === 'numeric'
      ? Float64Array.from(rows, ({ predictedNumber }) => predictedNumber ?? Number.NaN)
      : rows.map(({ predicted }) => predicted ?? '');
  });
  const counted = countColumns(layoutOf(columns), rows.length, (index) => values[index]);
  const shift = profileShift(
    columns.flatMap(({ name }, index) => {
      const [reference, window] = [body.profile.columns[places[index] ?? -1], counted.columns[index]];
      return reference === undefined || window === undefined ? [] : [{ name, reference, window }];
    }),
  );
  return { domainAuc: domainAucOfProfile(shift, 0), domainFrom: 'profile', outOfRange: undefined, ece: undefined, moved: shift.column };
}

/** Rows by part of the error table's input: its bins lie within the parts, since both are cut at the same quantiles. */
function columnCountsOf({ layout, labelled }: ReferenceBody, profile: Profile | undefined): number[] | undefined {
  const table = labelled?.errorTable;
  const index = layout.columns.findIndex(({ name, side }) => side === 'input' && name === table?.column);
  const [column, counts] = [layout.columns[index], profile?.columns[index]];
  if (table === undefined || column === undefined || counts === undefined) return undefined;
  const parts = new Array<number>(table.columnEdges.length + 1).fill(0);
  for (const [bin, count] of counts.bins.entries()) {
    const least = column.kind === 'categorical' ? Number(column.categories?.[bin]) : (column.edges?.[bin - 1] ?? Number.NEGATIVE_INFINITY);
    if (Number.isNaN(least)) continue;
    const part = partOf(table.columnEdges, least);
    parts[part] = (parts[part] ?? 0) + count;
  }
  return parts;
}

function pointsOf(
  { version }: EstimatedVersion,
  { estimate, trust, realised }: EstimatedWindow,
  fromMs: number,
  toMs: number,
): EstimatedQualityPoint[] {
  return Object.entries(estimate.metrics).map(([metric, { estimate: value, band }]) => {
    const truth = realised?.[metric];
    return {
      from: iso(fromMs),
      to: iso(toMs),
      version,
      n: estimate.n,
      metric,
      estimate: value,
      band: [band[0], band[1]],
      grade: trust,
      realised: truth ?? null,
      error: truth === undefined ? null : value - truth,
    };
  });
}

function judgementOf({ value, interval, n, threshold, verdict, reason }: EstimateJudgement) {
  return { value, interval, n, threshold, verdict, reason };
}

function groupBySteps(rows: readonly RecordedScore[], fromMs: number, stepMs: number): [number, RecordedScore[]][] {
  const groups = new Map<number, RecordedScore[]>();
  for (const row of rows) {
    const atMs = fromMs + Math.floor((row.atMs - fromMs) / stepMs) * stepMs;
    const own = groups.get(atMs);
    if (own === undefined) groups.set(atMs, [row]);
    else own.push(row);
  }
  return [...groups].sort(([a], [b]) => a - b);
}
