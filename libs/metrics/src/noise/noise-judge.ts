import type { Judgement, NoiseProbe } from '@slipway/contracts';
import { z } from 'zod';
import { allowedAlarms } from '../judgements/alarm-shares.js';
import type { Judge, WatchedDeployment } from '../judgements/judge.js';
import type { JudgeStateStore } from '../judgements/judge-state.store.js';
import type { JudgedWindow } from '../judgements/judgement.store.js';
import { ToldJudgements } from '../judgements/told-judgements.js';
import {
  isExact,
  judgeExact,
  judgeRanked,
  judgeReplicas,
  leastMeasurements,
  noiseLevel,
  type RankedBaseline,
  type RankedProbe,
} from './judge-noise.js';
import { type KnownNoise, learnBaseline, rankedBaseline } from './noise-baseline.js';
import { binQuantile } from './noise-bins.js';
import { addTotals, type NoiseTotals, noTotals } from './noise-totals.js';
import { noiseWindowMs, noiseWindowOf } from './noise-window.js';
import type { NoiseHour, NoiseHourStore } from './noise-window.store.js';

/** A window that is too small grows to so many hours. */
const growsTo = [1, 6, 24] as const;
const longestMs = 24 * noiseWindowMs;
/** An hour is judged when its last totals are written. */
const graceMs = 30_000;
/** Instances are compared every few minutes; what is older says nothing of now. */
const replicaFreshMs = 15 * 60_000;

/** Where baselines are kept. */
export interface NoiseBaselines {
  of(versionId: string): Promise<KnownNoise | undefined>;
}

export interface NoiseJudgeParts {
  readonly hours: Pick<NoiseHourStore, 'hours'>;
  readonly states: Pick<JudgeStateStore, 'read' | 'write'>;
  readonly baselines: NoiseBaselines;
}

const State = z.object({
  /** Ranked probes are judged up to here. */
  rankedUntilMs: z.number().default(0),
  /** Sizes that are usual, of probes without a baseline, by version, probe and other version; frozen when there are enough. */
  learned: z.record(z.string(), z.array(z.number())).default({}),
});
type State = z.infer<typeof State>;
const stateKey = 'noise';

/**
 * Judges what probes have measured. What ought to be nothing is judged while its hour runs, since one measurement may be enough; what has a usual
 * size is judged once per hour, so that looking often makes no false alarms. Of what runs only another verdict is told at once.
 */
export class NoiseJudge implements Judge {
  readonly kind = 'noise';
  readonly everyMs = 15_000;

  private readonly told = new ToldJudgements();

  constructor(private readonly parts: NoiseJudgeParts) {}

  async judge(deployment: WatchedDeployment, nowMs: number): Promise<readonly JudgedWindow[]> {
    const runningMs = noiseWindowOf(nowMs);
    const hours = await this.parts.hours.hours({
      deploymentId: deployment.deploymentId,
      fromMs: runningMs - longestMs,
      toMs: runningMs + noiseWindowMs,
    });
    if (hours.length === 0) return [];
    const ranked = await this.judgeClosed(deployment, hours, noiseWindowOf(nowMs - graceMs));
    const serving = new Set(deployment.versions.flatMap(({ version, isServing }) => (isServing ? [version] : [])));
    const running = hours.filter(({ version }) => serving.has(version));
    return [...this.told.news(deployment, judgeRunning(running, nowMs), nowMs), ...ranked];
  }

  forget(deployment: WatchedDeployment): void {
    this.told.forget(deployment);
  }

  private async judgeClosed(deployment: WatchedDeployment, hours: readonly NoiseHour[], endMs: number): Promise<JudgedWindow[]> {
    const { deploymentId, versions } = deployment;
    const closed = hours.filter(({ probe, startAtMs }) => !isExact(probe) && startAtMs < endMs);
    if (closed.length === 0) return [];
    const state = (await this.parts.states.read(deploymentId, this.kind, stateKey, State)) ?? State.parse({});
    if (state.rankedUntilMs >= endMs) return [];
    const level = noiseLevel(allowedAlarms('noise', deployment));
    const learned: State['learned'] = {};
    const judged: JudgedWindow[] = [];
    for (const subject of newestSubjects(closed)) {
      const own = closed.filter(
        (hour) => hour.version === subject.version && hour.probe === subject.probe && hour.otherVersion === subject.otherVersion,
      );
      const versionId = versions.find(({ version }) => version === subject.version)?.versionId;
      const known = subject.probe === 'jitter' && versionId !== undefined ? await this.parts.baselines.of(versionId) : undefined;
      const given = rankedBaseline(known, subject.probe);
      const key = `${subject.version} ${subject.probe} ${subject.otherVersion}`;
      const ended = own.filter(({ startAtMs }) => startAtMs >= state.rankedUntilMs);
      const lesson = given === undefined ? learnBaseline(state.learned[key], ended) : undefined;
      if (lesson !== undefined) learned[key] = lesson.bins;
      const baseline = given ?? lesson?.baseline;
      const { totals, fromMs } = grown(own, subject.probe, endMs);
      judged.push(windowOf(subject, judgeRanked(subject.probe, totals, baseline, level), { fromMs, toMs: endMs }, evidenceOf(totals, baseline)));
    }
    await this.parts.states.write(deploymentId, this.kind, stateKey, { rankedUntilMs: endMs, learned: { ...keptLessons(state, hours), ...learned } });
    return judged;
  }
}

interface Subject {
  readonly version: number;
  readonly probe: RankedProbe;
  readonly otherVersion: number;
}

/** One per version and probe: of several other versions the one that was compared with last. */
function newestSubjects(hours: readonly NoiseHour[]): Subject[] {
  const newest = new Map<string, Subject>();
  for (const { version, probe, otherVersion } of hours) if (!isExact(probe)) newest.set(`${version} ${probe}`, { version, probe, otherVersion });
  return [...newest.values()];
}

/** What was learned is forgotten with its version's measurements. */
function keptLessons({ learned }: State, hours: readonly NoiseHour[]): State['learned'] {
  const living = new Set(hours.map(({ version, probe, otherVersion }) => `${version} ${probe} ${otherVersion}`));
  return Object.fromEntries(Object.entries(learned).filter(([key]) => living.has(key)));
}

function judgeRunning(hours: readonly NoiseHour[], nowMs: number): JudgedWindow[] {
  const runningMs = noiseWindowOf(nowMs);
  const endMs = runningMs + noiseWindowMs;
  const judged: JudgedWindow[] = [];
  for (const version of new Set(hours.map((hour) => hour.version))) {
    const of = (probe: NoiseProbe) => hours.filter((hour) => hour.version === version && hour.probe === probe);
    let isRandom = false;
    for (const probe of ['repeat', 'natural'] as const) {
      const own = of(probe);
      if (own.length === 0) continue;
      const { totals, fromMs } = grown(own, probe, endMs);
      const judgement = judgeExact(probe, totals);
      if (probe === 'repeat') isRandom = judgement.verdict === 'alarm';
      judged.push(windowOf({ version, probe }, judgement, { fromMs, toMs: nowMs }, evidenceOf(totals)));
    }
    const replicas = of('replica').filter(({ startAtMs }) => startAtMs >= runningMs - noiseWindowMs);
    if (replicas.length === 0) continue;
    const details = replicas.flatMap((hour) => hour.details).filter(({ atMs }) => nowMs - atMs < replicaFreshMs);
    const totals = details.length === 0 ? noTotals() : sumOf(replicas);
    const judgement = judgeReplicas(totals, details, isRandom);
    judged.push(
      windowOf({ version, probe: 'replica' }, judgement, { fromMs: runningMs - noiseWindowMs, toMs: nowMs }, { ...evidenceOf(totals), details }),
    );
  }
  return judged;
}

/** The hours up to an end: one, or more where that holds too few measurements. */
function grown(hours: readonly NoiseHour[], probe: NoiseProbe, endMs: number): { readonly totals: NoiseTotals; readonly fromMs: number } {
  let [totals, fromMs] = [noTotals(), endMs];
  for (const count of growsTo) {
    fromMs = endMs - count * noiseWindowMs;
    totals = sumOf(hours.filter(({ startAtMs }) => startAtMs >= fromMs && startAtMs < endMs));
    if (totals.n >= leastMeasurements[probe]) break;
  }
  return { totals, fromMs };
}

function sumOf(hours: readonly NoiseHour[]): NoiseTotals {
  return hours.reduce((sum, { totals }) => addTotals(sum, totals), noTotals());
}

function windowOf(
  { version, probe }: { readonly version: number; readonly probe: NoiseProbe },
  judgement: Judgement,
  span: { readonly fromMs: number; readonly toMs: number },
  evidence: Record<string, unknown>,
): JudgedWindow {
  return { ...judgement, ...span, kind: 'noise', subject: probe, version, slice: '', evidence };
}

function evidenceOf(totals: NoiseTotals, baseline?: RankedBaseline): Record<string, unknown> {
  const { n, failed, runs, labels, flips, varianceSum, relativeMax, bins } = totals;
  const flipRatio = labels === 0 ? null : flips / labels;
  const usual = baseline === undefined ? {} : { baseline: { ...baseline, bins: undefined } };
  return {
    p50: binQuantile(bins, 0.5),
    max: n === 0 ? null : relativeMax,
    meanVariance: n === 0 ? null : varianceSum / n,
    flipRatio,
    failed,
    runs,
    ...usual,
  };
}
