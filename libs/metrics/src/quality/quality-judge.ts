import type { Judgement, Maturity, Task } from '@slipway/contracts';
import { z } from 'zod';
import { allowedAlarms } from '../judgements/alarm-shares.js';
import type { Judge, WatchedDeployment, WatchedVersion } from '../judgements/judge.js';
import type { JudgeStateStore } from '../judgements/judge-state.store.js';
import type { JudgedWindow } from '../judgements/judgement.store.js';
import type { Queryable } from '../windows/partitions.store.js';
import { type ArrivalCurve, learnArrivals, matureShare, maturityOf } from './arrival-curve.js';
import { hasEnoughLabels, judgedMetrics, judgeQualityWindow } from './judge-quality-window.js';
import { measureWindow, type WindowMeasures } from './measure-window.js';
import { type ActiveReferences, type KnownBaseline, QualityBaselineStore } from './quality-baseline.store.js';
import { addCounts, noCounts, type QualityCounts } from './quality-counts.js';
import { QualityWindowStore, type WindowSeconds } from './quality-window.store.js';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const baseMs = 5 * minute;
/** A window grows through these until it has enough labels. */
const sizesMs = [baseMs, hour, 6 * hour, day, 7 * day];
/** Ends of windows that one round looks at; after a long pause only full hours are. */
const endsMost = 48;
/** Windows of a month, two sizes each. */
const windowsPerMonth = 2 * ((30 * day) / baseMs);
const reopenedMost = 12;
/** A change may be written a little before it is seen. */
const overlapMs = 10_000;
const toldMost = 10_000;

const Walk = z.object({ untilMs: z.number(), changedAt: z.iso.datetime() });
type Walk = z.infer<typeof Walk>;

/**
 * Judges the metrics of every version by what is usual, for windows of five minutes that grow to hours and days until they have enough labels, and then once more for a
 * window of the next size, which sees smaller changes. Only windows whose labels have come may alarm; the last one that has ended is told as provisional.
 * Windows whose labels come or change later are judged again.
 */
export class QualityJudge implements Judge {
  readonly kind = 'quality';
  readonly everyMs = 20_000;
  private readonly windows: QualityWindowStore;
  private readonly baselines: QualityBaselineStore;
  /** What was last told as provisional. */
  private readonly told = new Map<string, string>();

  constructor(
    db: Queryable,
    private readonly states: JudgeStateStore,
    references: ActiveReferences,
  ) {
    this.windows = new QualityWindowStore(db);
    this.baselines = new QualityBaselineStore(db, states, references);
  }

  async judge(deployment: WatchedDeployment, nowMs: number): Promise<JudgedWindow[]> {
    const arrivals = await this.windows.arrivals(deployment.deploymentId, nowMs);
    // Without any label there is nothing to say, and the judge of labels says that.
    if (!arrivals.some(({ arrivals: came }) => came.some((count) => count > 0))) return [];
    const curve = learnArrivals(arrivals, nowMs);
    const judged: JudgedWindow[] = [];
    for (const version of deployment.versions) {
      if (version.task === undefined || version.task.kind === 'other') continue;
      judged.push(...(await this.judgeVersion({ deployment, version, task: version.task, curve, nowMs })));
    }
    return judged;
  }

  private async judgeVersion(round: Round): Promise<JudgedWindow[]> {
    const { deployment, version, nowMs } = round;
    const { deploymentId } = deployment;
    // When windows changed is told by the clock, whatever time is judged.
    const beganMs = Date.now();
    const key = `walk/${version.version}`;
    const walk = await this.states.read(deploymentId, 'quality', key, Walk);
    const closedMs = floorTo(nowMs, baseMs);
    const fromMs = Math.max(walk?.untilMs ?? 0, closedMs - 7 * day);
    const covered = await this.windows.coverage({ deploymentId, version: version.version, fromMs, toMs: closedMs });
    const matureMs = matureUntil(covered, round, { fromMs, closedMs });
    const baseline = await this.baselines.of(deploymentId, version, { learnRows: deployment.settings.reference.learnRows, matureMs });
    const judged: JudgedWindow[] = [];
    const reopened = walk === undefined ? [] : await this.windows.changedHours(deploymentId, new Date(walk.changedAt), fromMs, reopenedMost);
    for (const { startMs, version: changed } of reopened)
      if (changed === version.version) judged.push(...(await this.judgeEnd(round, startMs + hour, baseline)));
    const ends = endsWithin(covered, fromMs, matureMs);
    for (const end of ends.slice(0, endsMost)) judged.push(...(await this.judgeEnd(round, end, baseline)));
    const untilMs = ends.length > endsMost ? (ends[endsMost - 1] ?? matureMs) : matureMs;
    // What came last is told at once, as provisional.
    const last = version.isServing ? covered.findLast(({ predicted }) => predicted > 0) : undefined;
    if (last !== undefined && last.startMs + baseMs > matureMs && ends.length <= endsMost && this.hasNews(deploymentId, version.version, last))
      judged.push(...(await this.judgeEnd(round, last.startMs + baseMs, baseline)));
    if (untilMs !== walk?.untilMs || reopened.length > 0) {
      const seenAt = reopened.length < reopenedMost ? new Date(beganMs - overlapMs) : (reopened.at(-1)?.changedAt ?? new Date(beganMs));
      await this.states.write(deploymentId, 'quality', key, { untilMs, changedAt: seenAt.toISOString() } satisfies Walk);
    }
    return newestOfEach(judged);
  }

  forget({ deploymentId, versions }: WatchedDeployment): void {
    for (const { version } of versions) this.told.delete(`${deploymentId}/${version}`);
  }

  private hasNews(deploymentId: string, version: number, { startMs, predicted, labelled }: Covered): boolean {
    const key = `${deploymentId}/${version}`;
    const news = `${startMs} ${predicted} ${labelled}`;
    if (this.told.get(key) === news) return false;
    if (this.told.size >= toldMost) this.told.clear();
    this.told.set(key, news);
    return true;
  }

  /** Judges what ends at a moment: the smallest window with enough labels and the next larger one; the worse of the two is told. */
  private async judgeEnd(round: Round, endMs: number, known: KnownBaseline): Promise<JudgedWindow[]> {
    const { task } = round;
    const found: Sized[] = [];
    for (const sizeMs of sizesMs) {
      const sized = await this.measure(round, endMs, sizeMs);
      const isEnough = hasEnoughLabels(sized.measures, task);
      if (isEnough || sizeMs === sizesMs.at(-1)) found.push(sized);
      if (found.length === 2 || (isEnough && sizeMs >= day)) break;
    }
    const judged = found.map((sized) => judgeSized(round, sized, known));
    return [...worstOfEach(judged).values()];
  }

  private async measure({ deployment, version, task, curve, nowMs }: Round, endMs: number, sizeMs: number): Promise<Sized> {
    const { deploymentId } = deployment;
    const startMs = sizeMs === baseMs ? endMs - baseMs : floorTo(endMs - sizeMs, hour);
    const fullMs = sizeMs === baseMs ? startMs : floorTo(endMs, hour);
    const of = (seconds: WindowSeconds, fromMs: number, toMs: number) =>
      fromMs < toMs ? this.windows.windows({ deploymentId, version: version.version, seconds, fromMs, toMs }) : [];
    const parts = [...(await of(3_600, startMs, fullMs)), ...(await of(300, fullMs, endMs))];
    const counts: QualityCounts = noCounts();
    let predicted = 0;
    let labelled = 0;
    for (const part of parts) {
      addCounts(counts, part.counts);
      predicted += part.predicted;
      labelled += part.labelled;
    }
    const maturity = maturityOf({ predicted, labelled, ageMs: nowMs - endMs }, curve);
    return { startMs, endMs, measures: measureWindow(counts, task), maturity };
  }
}

interface Round {
  readonly deployment: WatchedDeployment;
  readonly version: WatchedVersion;
  readonly task: Task;
  readonly curve: ArrivalCurve;
  readonly nowMs: number;
}

interface Sized {
  readonly startMs: number;
  readonly endMs: number;
  readonly measures: WindowMeasures;
  readonly maturity: Maturity;
}

interface Covered {
  readonly startMs: number;
  readonly predicted: number;
  readonly labelled: number;
}

/** Until when the labels have come: as far as windows are old enough, and on as long as they are complete. */
export function matureUntil(
  covered: readonly Covered[],
  { curve, nowMs }: Pick<Round, 'curve' | 'nowMs'>,
  { fromMs, closedMs }: { fromMs: number; closedMs: number },
): number {
  const oldMs = curve.matureAfterMs === undefined ? fromMs : floorTo(nowMs - curve.matureAfterMs, baseMs);
  const wanted = matureShare * (curve.usualCoverage ?? 1);
  let matureMs = Math.max(fromMs, oldMs);
  for (const { startMs, predicted, labelled } of covered) {
    if (startMs < matureMs || predicted === 0) continue;
    if (labelled < wanted * predicted) return Math.min(matureMs, closedMs);
    matureMs = startMs + baseMs;
  }
  return Math.min(matureMs, closedMs);
}

/** Ends of the windows with predictions between two moments; of many only full hours. */
function endsWithin(covered: readonly Covered[], fromMs: number, toMs: number): number[] {
  const ends = covered.filter(({ predicted }) => predicted > 0).map(({ startMs }) => startMs + baseMs);
  const within = ends.filter((end) => end > fromMs && end <= toMs);
  if (within.length <= endsMost) return within;
  return [...new Set(within.map((end) => Math.ceil(end / hour) * hour))].filter((end) => end <= toMs);
}

function judgeSized({ deployment, version, task }: Round, { startMs, endMs, measures, maturity }: Sized, known: KnownBaseline): JudgedWindow[] {
  const baseline = known.kind === 'known' ? known.baseline : undefined;
  const level = allowedAlarms('quality', deployment) / (windowsPerMonth * judgedMetrics[task.kind].length);
  const judgements = judgeQualityWindow({ measures, task, baseline, maturity, level });
  return judgedMetrics[task.kind].flatMap((metric): JudgedWindow[] => {
    const judgement = judgements[metric];
    if (judgement === undefined) return [];
    return [
      {
        kind: 'quality',
        subject: metric,
        version: version.version,
        slice: '',
        fromMs: startMs,
        toMs: endMs,
        evidence: { maturity, usual: baseline?.metrics[metric] ?? null, source: baseline?.source ?? null, level },
        ...unlessLearning(judgement, known),
      },
    ];
  });
}

/** Without anything to compare with nobody can say that it is well. */
function unlessLearning(judgement: Judgement, known: KnownBaseline): Judgement {
  if (known.kind === 'known' || judgement.verdict !== 'ok') return judgement;
  const reason = `${judgement.reason} What is usual is still being learned: ${known.rows} of ${known.wanted} labelled rows have come.`;
  return { ...judgement, verdict: 'insufficient', reason };
}

const rank = { alarm: 2, ok: 1, insufficient: 0 } as const;

function worstOfEach(all: readonly (readonly JudgedWindow[])[]): Map<string, JudgedWindow> {
  const worst = new Map<string, JudgedWindow>();
  for (const judged of all.flat()) {
    const known = worst.get(judged.subject);
    if (known === undefined || rank[judged.verdict] > rank[known.verdict]) worst.set(judged.subject, judged);
  }
  return worst;
}

/** One judgement per subject and end: one that was reopened and falls into the present walk counts once. */
function newestOfEach(judged: readonly JudgedWindow[]): JudgedWindow[] {
  return [...new Map(judged.map((one) => [JSON.stringify([one.subject, one.version, one.toMs]), one])).values()];
}

function floorTo(ms: number, sizeMs: number): number {
  return Math.floor(ms / sizeMs) * sizeMs;
}
