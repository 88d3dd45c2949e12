import type { JudgementView } from '@slipway/contracts';
import {
  allowedAlarms,
  type EstimatedVersion,
  type EstimatedWindow,
  estimatedRowsMin,
  type Judge,
  type JudgedWindow,
  type JudgementStore,
  type JudgeStateStore,
  type QualityEstimates,
  type WatchedDeployment,
} from '@slipway/metrics';
import { z } from 'zod';

const hourMs = 3_600_000;
/** The last hour is judged again this often, so that nobody waits for its end; after a pause of the worker by the hour. */
const markMs = 300_000;
/** Records come some seconds late. */
const settledMs = 30_000;
/** A window grows through these until it has rows enough (`monitoring.md` 7). */
const spansHours = [1, 6, 24, 168];
/** Windows that one round judges. */
const windowsPerRound = 6;
/** Hours that are caught up at all, after the worker was away. */
const hoursBack = 48;
/** Past windows whose labels are looked for again by one round, and how far back. */
const scoredPerRound = 12;
const scoredBackMs = 14 * 24 * hourMs;

const State = z.object({ judgedToMs: z.number(), scoredAtMs: z.number() });

/** Judges the quality that is to be expected, hour by hour and as soon as there are rows for it, and what became of estimates whose labels have come since. */
export class EstimatedQualityJudge implements Judge {
  readonly kind = 'estimated_quality';
  readonly everyMs = 30_000;

  constructor(
    private readonly estimates: QualityEstimates,
    private readonly states: JudgeStateStore,
    private readonly judgements: JudgementStore,
  ) {}

  async judge(deployment: WatchedDeployment, nowMs: number): Promise<readonly JudgedWindow[]> {
    const { deploymentId, versions } = deployment;
    const alarmsPerMonth = allowedAlarms(this.kind, deployment);
    const judged: JudgedWindow[] = [];
    for (const { versionId, version, task } of versions) {
      if (task === undefined || task.kind === 'other') continue;
      judged.push(...(await this.judgeVersion({ deploymentId, versionId, version, task, alarmsPerMonth }, nowMs)));
    }
    return judged;
  }

  private async judgeVersion(of: EstimatedVersion, nowMs: number): Promise<JudgedWindow[]> {
    const key = `version-${of.version}`;
    const closedMs = Math.floor((nowMs - settledMs) / markMs) * markMs;
    const state = (await this.states.read(of.deploymentId, this.kind, key, State)) ?? { judgedToMs: closedMs - hourMs, scoredAtMs: 0 };
    const isScoreDue = nowMs - state.scoredAtMs >= hourMs;
    if (state.judgedToMs >= closedMs && !isScoreDue) return [];
    if ((await this.estimates.whyOff(of)) !== undefined) return [];
    const marks = marksBetween(Math.max(state.judgedToMs, closedMs - hoursBack * hourMs), closedMs).slice(0, windowsPerRound);
    const judged: JudgedWindow[] = [];
    for (const toMs of marks) judged.push(...(await this.judgeUntil(of, toMs)));
    if (isScoreDue) judged.push(...(await this.scorePast(of, nowMs)));
    const judgedToMs = marks.at(-1) ?? state.judgedToMs;
    await this.states.write(of.deploymentId, this.kind, key, { judgedToMs, scoredAtMs: isScoreDue ? nowMs : state.scoredAtMs });
    return judged;
  }

  /** The window that ends here, as short as it can be; nothing where no predictions have come since the one before. */
  private async judgeUntil(of: EstimatedVersion, toMs: number): Promise<JudgedWindow[]> {
    if ((await this.estimates.count(of, toMs - (toMs % hourMs === 0 ? hourMs : markMs), toMs)) === 0) return [];
    let fromMs = toMs - hourMs;
    for (const hours of spansHours) {
      fromMs = toMs - hours * hourMs;
      if ((await this.estimates.count(of, fromMs, toMs)) >= estimatedRowsMin) break;
    }
    const window = await this.estimates.window(of, fromMs, toMs);
    return window === undefined ? [] : windowsOf(of, window, fromMs, toMs);
  }

  /** Compares estimates of the past with labels that have come since. */
  private async scorePast(of: EstimatedVersion, nowMs: number): Promise<JudgedWindow[]> {
    const { deploymentId, version } = of;
    const past = await this.judgements.between({ deploymentId, kind: this.kind, fromMs: nowMs - scoredBackMs, toMs: nowMs, version });
    const open = new Map<string, JudgementView[]>();
    for (const each of past) {
      // Windows within an hour overlap; those that end with one are enough.
      if (typeof each.evidence['realised'] === 'number' || Date.parse(each.to) % hourMs !== 0) continue;
      const span = `${each.from}/${each.to}`;
      open.set(span, [...(open.get(span) ?? []), each]);
    }
    const scored: JudgedWindow[] = [];
    // In turn: labels may come days later, when many newer windows are open too.
    const windows = [...open.values()];
    const turn = (Math.floor(nowMs / hourMs) * scoredPerRound) % Math.max(1, windows.length);
    for (const own of [...windows.slice(turn), ...windows.slice(0, turn)].slice(0, scoredPerRound)) {
      const [first] = own;
      if (first === undefined) continue;
      const window = await this.estimates.window(of, Date.parse(first.from), Date.parse(first.to));
      if (window?.realised !== undefined) scored.push(...own.flatMap((each) => withTruth(each, window.realised?.[each.subject])));
    }
    return scored;
  }
}

/** Ends of windows: every hour that has passed, and the last mark. */
function marksBetween(afterMs: number, lastMs: number): number[] {
  const marks: number[] = [];
  for (let at = (Math.floor(afterMs / hourMs) + 1) * hourMs; at <= lastMs; at += hourMs) marks.push(at);
  return lastMs > afterMs && marks.at(-1) !== lastMs ? [...marks, lastMs] : marks;
}

function windowsOf({ version }: EstimatedVersion, { judged, realised }: EstimatedWindow, fromMs: number, toMs: number): JudgedWindow[] {
  return judged.map(({ evidence, ...judgement }) => ({
    ...judgement,
    kind: 'estimated_quality',
    version,
    slice: '',
    fromMs,
    toMs,
    evidence: { ...evidence, ...truthOf(judgement.value, realised?.[judgement.subject]) },
  }));
}

function withTruth({ judgedAt: _, from, to, version, slice, evidence, ...judgement }: JudgementView, realised: number | undefined): JudgedWindow[] {
  if (realised === undefined) return [];
  return [
    {
      ...judgement,
      version: version ?? 0,
      slice: slice ?? '',
      fromMs: Date.parse(from),
      toMs: Date.parse(to),
      evidence: { ...evidence, ...truthOf(judgement.value, realised) },
    },
  ];
}

function truthOf(estimate: number | null, realised: number | undefined) {
  return realised === undefined || estimate === null ? {} : { realised, error: estimate - realised };
}
