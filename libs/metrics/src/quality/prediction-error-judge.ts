import type { Judgement, Task } from '@slipway/contracts';
import { z } from 'zod';
import { allowedAlarms } from '../judgements/alarm-shares.js';
import type { Judge, WatchedDeployment, WatchedVersion } from '../judgements/judge.js';
import type { JudgeStateStore } from '../judgements/judge-state.store.js';
import type { JudgedWindow } from '../judgements/judgement.store.js';
import type { Queryable } from '../windows/partitions.store.js';
import { learnArrivals } from './arrival-curve.js';
import { ErrorStream, ErrorStreamState } from './error-stream.js';
import { judgeErrors, minErrorRows } from './judge-errors.js';
import { LabelledPredictionStore, type StoredLabelledRow } from './labelled-prediction.store.js';
import { mergeMoments, noMoments } from './moments.js';
import { errorMoments, type UsualError } from './quality-baseline.js';
import { type ActiveReferences, QualityBaselineStore } from './quality-baseline.store.js';
import { matureUntil } from './quality-judge.js';
import { QualityWindowStore } from './quality-window.store.js';

const hour = 3_600_000;
const day = 24 * hour;
const baseMs = 300_000;
/** Rows that one round takes of one version; what does not keep up goes on next round. */
const rowsMost = 10_000;
/** Further behind than this the stream is taken up again where it is now, and says so. */
const behindMostMs = 2 * day;
/** How long rows that were left out are told of. */
const leftOutToldMs = day;
/** Hours that one round judges. */
const hoursMost = 48;
/** How long a change in the stream is told. */
const toldMs = hour;
/** The mean by the hour, and each of the two detectors of changes in the stream. */
const lookCount = 3;
const windowsPerMonth = 720;

const Walk = z.object({
  hourMs: z.number(),
  after: z.object({ atMs: z.number(), id: z.string(), row: z.number() }),
  stream: ErrorStreamState.nullable(),
  /** Rows taken since. */
  rows: z.number(),
  sinceMs: z.number(),
  /** Rows that the stream never saw, since it was too far behind. */
  leftOut: z.object({ fromMs: z.number(), toMs: z.number() }).optional(),
});
type Walk = z.infer<typeof Walk>;

/**
 * Judges the errors of single predictions: their mean hour by hour (hours grow to a day until they have enough labels) in both directions, and their
 * stream in the order of the predictions by Page–Hinkley and ADWIN, which see small changes that last and say when they began.
 */
export class PredictionErrorJudge implements Judge {
  readonly kind = 'prediction_error';
  readonly everyMs = 20_000;
  private readonly windows: QualityWindowStore;
  private readonly labelled: LabelledPredictionStore;
  private readonly baselines: QualityBaselineStore;

  constructor(
    db: Queryable,
    private readonly states: JudgeStateStore,
    references: ActiveReferences,
  ) {
    this.windows = new QualityWindowStore(db);
    this.labelled = new LabelledPredictionStore(db);
    this.baselines = new QualityBaselineStore(db, states, references);
  }

  async judge(deployment: WatchedDeployment, nowMs: number): Promise<JudgedWindow[]> {
    const arrivals = await this.windows.arrivals(deployment.deploymentId, nowMs);
    if (!arrivals.some(({ arrivals: came }) => came.some((count) => count > 0))) return [];
    const curve = learnArrivals(arrivals, nowMs);
    const judged: JudgedWindow[] = [];
    for (const version of deployment.versions) {
      if (version.task === undefined || version.task.kind === 'other') continue;
      const closedMs = floorTo(nowMs, baseMs);
      const fromMs = closedMs - 7 * day;
      const covered = await this.windows.coverage({ deploymentId: deployment.deploymentId, version: version.version, fromMs, toMs: closedMs });
      const matureMs = matureUntil(covered, { curve, nowMs }, { fromMs, closedMs });
      judged.push(...(await this.judgeVersion({ deployment, version, task: version.task, matureMs })));
    }
    return judged;
  }

  private async judgeVersion(round: Round): Promise<JudgedWindow[]> {
    const { deployment, version, matureMs } = round;
    const { deploymentId } = deployment;
    const key = `stream/${version.version}`;
    const learned = await this.baselines.learned(deploymentId, version, { learnRows: deployment.settings.reference.learnRows, matureMs });
    if (learned.kind !== 'known') return [];
    const kept = await this.states.read(deploymentId, 'prediction_error', key, Walk);
    const beginsMs = learned.learnedUntilMs + 1;
    const walk = kept ?? { hourMs: floorTo(beginsMs, hour), after: { atMs: beginsMs, id: '', row: -1 }, stream: null, rows: 0, sinceMs: beginsMs };
    const hours = await this.judgeHours(round, walk.hourMs, learned.error);
    const streamed = await this.follow(round, walk, learned.error);
    const next: Walk = { ...streamed.walk, hourMs: hours.untilMs };
    if (JSON.stringify(next) !== JSON.stringify(kept)) await this.states.write(deploymentId, 'prediction_error', key, next);
    return [...hours.judged, ...streamed.judged];
  }

  private async judgeHours(
    { deployment, version, task, matureMs }: Round,
    fromMs: number,
    usual: UsualError,
  ): Promise<{ judged: JudgedWindow[]; untilMs: number }> {
    const fullMs = floorTo(matureMs, hour);
    const first = Math.max(fromMs, fullMs - hoursMost * hour);
    if (first >= fullMs) return { judged: [], untilMs: fromMs };
    const windows = await this.windows.windows({
      deploymentId: deployment.deploymentId,
      version: version.version,
      seconds: 3_600,
      fromMs: first - day,
      toMs: fullMs,
    });
    const level = allowedAlarms('prediction_error', deployment) / lookCount / windowsPerMonth;
    const judged: JudgedWindow[] = [];
    for (let endMs = first + hour; endMs <= fullMs; endMs += hour) {
      if (!windows.some(({ startMs, labelled }) => startMs === endMs - hour && labelled > 0)) continue;
      let [moments, startMs] = [noMoments, endMs];
      while (moments.n < minErrorRows && startMs > endMs - day) {
        startMs -= hour;
        for (const window of windows) if (window.startMs === startMs) moments = mergeMoments(moments, errorMoments(window.counts));
      }
      judged.push(
        judgedWindow(version, { subject: 'mean', fromMs: startMs, toMs: endMs, evidence: { usual } }, judgeErrors(moments, { usual, task, level })),
      );
    }
    return { judged, untilMs: fullMs };
  }

  /** Takes the rows that have come since, in the order of their predictions. */
  private async follow(
    { deployment, version, task, matureMs }: Round,
    walk: Walk,
    usual: UsualError,
  ): Promise<{ judged: JudgedWindow[]; walk: Walk }> {
    const isBehind = matureMs - walk.after.atMs > behindMostMs && walk.rows > 0;
    const after = isBehind ? { atMs: matureMs - hour, id: '', row: -1 } : walk.after;
    const leftOut = isBehind ? { fromMs: walk.after.atMs, toMs: after.atMs } : walk.leftOut;
    const rows = await this.labelled.after({
      deploymentId: deployment.deploymentId,
      version: version.version,
      after,
      toMs: matureMs,
      limit: rowsMost,
    });
    const last = rows.at(-1);
    if (last === undefined) return { judged: [], walk: { ...walk, after, leftOut } };
    const elapsed = Math.max(hour, last.atMs - walk.sinceMs);
    const perMonth = Math.max(10_000, ((walk.rows + rows.length) / elapsed) * 30 * day);
    const stream = new ErrorStream(
      { usual, task, rowsPerFalseAlarm: (perMonth * lookCount) / allowedAlarms('prediction_error', deployment) },
      isBehind ? null : walk.stream,
    );
    for (const row of rows) stream.take(row);
    const next = { ...walk, after: placeOf(last), stream: stream.memory, rows: walk.rows + rows.length, leftOut };
    const told = leftOut !== undefined && last.atMs - leftOut.toMs < leftOutToldMs ? leftOut : undefined;
    return {
      judged: stream
        .judge(last.atMs, toldMs)
        .map(({ subject, judgement, fromMs, evidence }) =>
          withLeftOut(judgedWindow(version, { subject, fromMs, toMs: last.atMs, evidence }, judgement), told),
        ),
      walk: next,
    };
  }
}

interface Round {
  readonly deployment: WatchedDeployment;
  readonly version: WatchedVersion;
  readonly task: Task;
  readonly matureMs: number;
}

function judgedWindow(
  version: WatchedVersion,
  about: Pick<JudgedWindow, 'subject' | 'fromMs' | 'toMs' | 'evidence'>,
  judgement: Judgement,
): JudgedWindow {
  return { kind: 'prediction_error', version: version.version, slice: '', ...about, ...judgement };
}

/** Whoever reads that nothing has changed should know what was not looked at. */
function withLeftOut(judged: JudgedWindow, leftOut: Walk['leftOut']): JudgedWindow {
  if (leftOut === undefined) return judged;
  const [from, to] = [new Date(leftOut.fromMs).toISOString(), new Date(leftOut.toMs).toISOString()];
  const reason = `${judged.reason} The labelled rows from ${from} to ${to} were left out: more had come than could be followed row by row.`;
  return { ...judged, reason, evidence: { ...judged.evidence, leftOut: { from, to } } };
}

function placeOf({ atMs, id, row }: StoredLabelledRow): Walk['after'] {
  return { atMs, id, row };
}

function floorTo(ms: number, sizeMs: number): number {
  return Math.floor(ms / sizeMs) * sizeMs;
}
