import type { InstanceFailureReason } from '@slipway/contracts';
import { z } from 'zod';
import { allowedAlarms } from '../judgements/alarm-shares.js';
import type { Judge, WatchedDeployment } from '../judgements/judge.js';
import type { JudgeStateStore } from '../judgements/judge-state.store.js';
import type { JudgedWindow } from '../judgements/judgement.store.js';
import { ServingSeriesStore, type ServingStep } from '../series/serving-series.store.js';
import type { Queryable } from '../windows/partitions.store.js';
import { FailureStore } from './failure.store.js';
import {
  emptyMemory,
  FailureMemory,
  historyOf,
  learn,
  nextWindow,
  rememberHours,
  type ServedSpan,
  serviceReasons,
  windowMs,
} from './failure-walk.js';
import { judgeFailureShare, judgeInstanceEnds, loopCrashes, scatterOf } from './judge-failures.js';

const dayMs = 86_400_000;
const hourMs = 3_600_000;
const minuteMs = 60_000;
/** Gateways write every two seconds; what the database could not take for a while comes within a minute of it. A window is read once. */
const settleMs = 60_000;
/** After a longer absence only the last hour is judged. */
const mostBehindMs = hourMs;
const historyDays = 7;
/** Windows of five minutes in a month. */
const windowsPerMonth = (30 * dayMs) / windowMs;
const instanceMinutes = 30;

/** What is judged of instances: ends of these kinds, from so many on. */
const instanceSubjects: readonly {
  readonly subject: string;
  readonly what: string;
  readonly reasons: readonly InstanceFailureReason[];
  readonly threshold: number;
}[] = [
  { subject: 'crash_loop', what: 'instances crashed or hung', reasons: ['instance_crashed', 'instance_hung'], threshold: loopCrashes },
  { subject: 'oom_killed', what: 'an instance was ended for want of memory', reasons: ['oom_killed'], threshold: 1 },
  { subject: 'load_failed', what: 'a model did not load', reasons: ['load_failed'], threshold: 1 },
  { subject: 'warmup_failed', what: 'an instance ended while it warmed up', reasons: ['warmup_failed'], threshold: 1 },
];
const InstanceMemory = z.object({ alarms: z.array(z.object({ subject: z.string(), version: z.number() })) });

/**
 * Judges failures: of requests every five minutes, each reason against the deployment's own week; of instances every minute in which
 * there are any.
 */
export class FailuresJudge implements Judge {
  readonly kind = 'failures';
  readonly everyMs = 10_000;
  private readonly serving: ServingSeriesStore;
  private readonly failures: FailureStore;

  constructor(
    db: Queryable,
    private readonly states: JudgeStateStore,
  ) {
    this.serving = new ServingSeriesStore(db);
    this.failures = new FailureStore(db);
  }

  async judge(deployment: WatchedDeployment, nowMs: number): Promise<readonly JudgedWindow[]> {
    return [...(await this.judgeRequests(deployment, nowMs)), ...(await this.judgeInstances(deployment, nowMs))];
  }

  private async judgeRequests(deployment: WatchedDeployment, nowMs: number): Promise<JudgedWindow[]> {
    const { deploymentId } = deployment;
    const toMs = Math.floor((nowMs - settleMs) / windowMs) * windowMs;
    const known = await this.states.read(deploymentId, 'failures', 'requests', FailureMemory);
    if (known !== undefined && known.judgedTo >= toMs) return [];
    const fromMs = Math.max(known?.judgedTo ?? toMs - windowMs, toMs - mostBehindMs);
    let memory = known ?? (await this.firstMemory(deploymentId, fromMs));
    const steps = await this.serving.steps({ deploymentId, frame: { fromMs, toMs, stepSeconds: windowMs / 1000 } });
    const level = allowedAlarms('failures', deployment) / (windowsPerMonth * serviceReasons.length);
    const judged: JudgedWindow[] = [];
    for (let atMs = fromMs; atMs < toMs; atMs += windowMs) {
      const window = judgeWindow(memory, servedAt(steps, atMs), level);
      judged.push(...window.judged);
      memory = window.memory;
    }
    await this.states.write(deploymentId, 'failures', 'requests', memory);
    return judged;
  }

  /** What was usual before anybody judged. */
  private async firstMemory(deploymentId: string, toMs: number): Promise<FailureMemory> {
    const endMs = Math.floor(toMs / hourMs) * hourMs;
    const steps = await this.serving.steps({ deploymentId, frame: { fromMs: endMs - historyDays * dayMs, toMs: endMs, stepSeconds: 3_600 } });
    const hours = [...new Set(steps.map(({ atMs }) => atMs))].sort((a, b) => a - b);
    return rememberHours(
      emptyMemory(toMs),
      hours.map((atMs) => servedAt(steps, atMs)),
    );
  }

  private async judgeInstances({ deploymentId }: WatchedDeployment, nowMs: number): Promise<JudgedWindow[]> {
    const toMs = Math.floor(nowMs / minuteMs) * minuteMs;
    const fromMs = toMs - instanceMinutes * minuteMs;
    const [ended, before] = await Promise.all([
      this.failures.instances({ deploymentId, fromMs, toMs: nowMs }, 1_000),
      this.states.read(deploymentId, 'failures', 'instances', InstanceMemory),
    ]);
    const alarmed = before?.alarms ?? [];
    if (ended.length === 0 && alarmed.length === 0) return [];
    const judged: JudgedWindow[] = [];
    for (const { subject, what, reasons, threshold } of instanceSubjects) {
      const own = ended.filter(({ reason }) => reasons.includes(reason));
      const versions = new Set([
        ...own.map(({ version }) => version),
        ...alarmed.filter((one) => one.subject === subject).map(({ version }) => version),
      ]);
      for (const version of versions) {
        const ofVersion = own.filter((one) => one.version === version);
        const ends = { count: ofVersion.length, minutes: instanceMinutes, lastMessage: ofVersion[0]?.message };
        const evidence = {
          instances: ofVersion.slice(0, 10).map(({ id, at, instance, host, reason, signal }) => ({ id, at, instance, host, reason, signal })),
        };
        judged.push({ ...judgeInstanceEnds(what, ends, threshold), kind: 'failures', subject, version, slice: '', fromMs, toMs, evidence });
      }
    }
    const alarms = judged.filter(({ verdict }) => verdict === 'alarm').map(({ subject, version }) => ({ subject, version }));
    await this.states.write(deploymentId, 'failures', 'instances', { alarms });
    return judged;
  }
}

/** All reasons that occur in a window, those that were an alarm in the one before, and all together. */
export function judgeWindow(before: FailureMemory, served: ServedSpan, level: number): { memory: FailureMemory; judged: JudgedWindow[] } {
  const { memory, pooled } = nextWindow(before, served);
  const judged = serviceReasons
    .filter((reason) => reason === '' || (pooled.failed[reason] ?? 0) > 0 || before.alarms.includes(reason))
    .map((reason): JudgedWindow => {
      const hours = historyOf(before, reason);
      const what = reason === '' ? 'failures of any kind' : reason;
      const judgement = judgeFailureShare(what, { failed: pooled.failed[reason] ?? 0, of: pooled.of }, hours, level);
      const evidence = { reasons: pooled.failed, scatter: scatterOf(hours), historyHours: hours.length };
      return { ...judgement, kind: 'failures', subject: reason, version: 0, slice: '', fromMs: pooled.fromMs, toMs: pooled.toMs, evidence };
    });
  const alarms = judged.filter(({ verdict }) => verdict === 'alarm').map(({ subject }) => subject);
  return { memory: learn(memory, alarms), judged };
}

function servedAt(steps: readonly ServingStep[], atMs: number): ServedSpan {
  const outcomes: Partial<Record<string, number>> = {};
  for (const step of steps) {
    if (step.atMs !== atMs) continue;
    for (const [outcome, count] of Object.entries(step.outcomes)) outcomes[outcome] = (outcomes[outcome] ?? 0) + count;
  }
  return { atMs, outcomes };
}
