import { callerOutcomes, type Outcome, outcomes } from '@slipway/contracts';
import { z } from 'zod';
import { type FailureCount, leastRequests } from './judge-failures.js';

export const windowMs = 300_000;
const hourMs = 3_600_000;
/** What a window that has too few requests may grow to. */
const mostWindows = 12;
const historyHours = 7 * 24;

/** Outcomes that are failures of the service; all of them together are the first, without a name. */
export const serviceReasons = ['', ...outcomes.filter((outcome) => outcome !== 'success' && !callerOutcomes.includes(outcome))] as const;
export type ServiceReason = (typeof serviceReasons)[number];

const counts = z.record(z.string(), z.number());
const Span = z.object({ at: z.number(), valid: z.number(), failed: counts });
const Hour = Span.extend({ left: counts });

/** What is remembered from one window to the next: the last windows, and the hours of a week without what was an alarm. */
export const FailureMemory = z.object({ judgedTo: z.number(), recent: z.array(Span), hours: z.array(Hour), alarms: z.array(z.string()) });
export type FailureMemory = z.infer<typeof FailureMemory>;

/** Requests of a span by how they ended. */
export interface ServedSpan {
  readonly atMs: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
}

export function emptyMemory(judgedTo: number): FailureMemory {
  return { judgedTo, recent: [], hours: [], alarms: [] };
}

/** History from hours that nobody has judged; they are taken as they are. */
export function rememberHours(memory: FailureMemory, hours: readonly ServedSpan[]): FailureMemory {
  return { ...memory, hours: hours.map((hour) => ({ ...spanOf(hour), left: {} })).slice(-historyHours) };
}

function spanOf({ atMs, outcomes: served }: ServedSpan): z.infer<typeof Span> {
  const failed: Record<string, number> = {};
  let valid = served.success ?? 0;
  let all = 0;
  for (const reason of serviceReasons) {
    const count = reason === '' ? 0 : (served[reason] ?? 0);
    if (count > 0) failed[reason] = count;
    all += count;
  }
  valid += all;
  if (all > 0) failed[''] = all;
  return { at: atMs, valid, failed };
}

/** A window to be judged: as many of the last ones as it takes to have enough requests. */
export interface PooledWindow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly of: number;
  readonly failed: Readonly<Record<string, number>>;
}

/** Takes the next window in, and gives what is to be judged with it. */
export function nextWindow(memory: FailureMemory, served: ServedSpan): { memory: FailureMemory; pooled: PooledWindow } {
  const recent = [...memory.recent.filter(({ at }) => at > served.atMs - mostWindows * windowMs), spanOf(served)];
  const failed: Record<string, number> = {};
  let [of, fromMs] = [0, served.atMs];
  for (const span of recent.toReversed()) {
    if (of >= leastRequests) break;
    of += span.valid;
    fromMs = span.at;
    for (const [reason, count] of Object.entries(span.failed)) failed[reason] = (failed[reason] ?? 0) + count;
  }
  const toMs = served.atMs + windowMs;
  return { memory: { ...memory, judgedTo: toMs, recent }, pooled: { fromMs, toMs, of, failed } };
}

/** What was usual for a reason, hour by hour. */
export function historyOf(memory: FailureMemory, reason: ServiceReason): FailureCount[] {
  return memory.hours.map((hour) => ({ failed: hour.failed[reason] ?? 0, of: Math.max(0, hour.valid - (hour.left[reason] ?? 0)) }));
}

/** Files the newest window under its hour; a reason that is an alarm is left out, so that nothing is learned from it. */
export function learn(memory: FailureMemory, alarms: readonly string[]): FailureMemory {
  const newest = memory.recent.at(-1);
  if (newest === undefined) return memory;
  const at = Math.floor(newest.at / hourMs) * hourMs;
  const known = memory.hours.find((hour) => hour.at === at) ?? { at, valid: 0, failed: {}, left: {} };
  const failed = { ...known.failed };
  const left = { ...known.left };
  for (const [reason, count] of Object.entries(newest.failed)) if (!alarms.includes(reason)) failed[reason] = (failed[reason] ?? 0) + count;
  for (const reason of alarms) left[reason] = (left[reason] ?? 0) + newest.valid;
  const hour = { at, valid: known.valid + newest.valid, failed, left };
  const hours = [...memory.hours.filter((other) => other.at !== at && other.at > at - historyHours * hourMs), hour].sort((a, b) => a.at - b.at);
  return { ...memory, hours, alarms: [...alarms] };
}
