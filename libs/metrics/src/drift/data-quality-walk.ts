import type { Judgement, Profile } from '@slipway/contracts';
import { z } from 'zod';
import type { WalkedJudgement } from './drift-walk.js';
import { type HourHistory, hourMs, sumProfile } from './hour-history.js';
import { type ColumnQuality, type DataQualityOptions, judgeDataQuality, wholeDataQuality } from './judge-data-quality.js';
import type { DriftReference } from './judge-drift.js';

const hoursPerMonth = 730.5;
/** An hour that runs is looked at again and again: each look at a tenth of the level. */
const looksPerHour = 10;
/** Windows without fault that end an alarm. */
const quietWindows = 2;
/** Enough for a share of one in twenty to show. */
const wantedRows = 100;

const Memory = z.object({ alarmedMs: z.number().nullable(), quiet: z.number().int() });

/** What the walk of one version remembers; plain JSON. */
export const DataQualityWalkState = z.object({ layout: z.string(), judgedMs: z.number().nullable(), columns: z.record(z.string(), Memory) });
export type DataQualityWalkState = z.infer<typeof DataQualityWalkState>;

export interface DataQualityWalkInput {
  readonly reference: DriftReference;
  readonly history: HourHistory;
  /** Up to when is judged: the end of an hour, or a moment in the running one. */
  readonly endMs: number;
  /** False alarms of data quality that a month may bring. */
  readonly alarmsPerMonth?: number;
  readonly coversDays?: boolean;
  /** Said at the end of each reason. */
  readonly note?: string;
  readonly options?: Omit<DataQualityOptions, 'level' | 'coversDays'>;
}

/** Chance of a false alarm of one window. */
export function dataQualityLevel(alarmsPerMonth: number, isClosed: boolean): number {
  return Math.min(0.01, alarmsPerMonth / hoursPerMonth / 2 / (isClosed ? 1 : looksPerHour));
}

/**
 * One step through time: judges the last hour (more where it has few rows). Counts are exact, so one window is enough for an alarm; it ends
 * after two without fault. Pure, and an hour that was judged gives no new step.
 */
export function walkDataQuality(
  before: DataQualityWalkState | undefined,
  input: DataQualityWalkInput,
): { state: DataQualityWalkState; judged: readonly WalkedJudgement[] } {
  const { reference, endMs, alarmsPerMonth = 1, coversDays = true, note } = input;
  const known: DataQualityWalkState = before?.layout === reference.layout.id ? before : { layout: reference.layout.id, judgedMs: null, columns: {} };
  if (known.judgedMs !== null && endMs <= known.judgedMs) return { state: known, judged: [] };
  const isClosed = endMs % hourMs === 0;
  const { fromMs, profile } = lastRows(input);
  // They may only be late, so that the hour does not count as judged.
  if (profile === undefined) return { state: known, judged: [] };
  const seen = judgeDataQuality(reference, profile, { ...input.options, coversDays, level: dataQualityLevel(alarmsPerMonth, isClosed) });
  const columns: DataQualityWalkState['columns'] = {};
  const judged: WalkedJudgement[] = [];
  for (const one of seen.columns) {
    const own = known.columns[one.column] ?? { alarmedMs: null, quiet: 0 };
    const memory = remember(own, one.judgement, { fromMs, isClosed });
    columns[one.column] = memory;
    const isNews = isClosed || known.judgedMs === null || (own.alarmedMs === null) !== (memory.alarmedMs === null);
    if (isNews) judged.push(walked(one, memory, { fromMs, toMs: endMs, note }));
  }
  const broken = Object.entries(columns).flatMap(([column, { alarmedMs }]) => (alarmedMs === null ? [] : [column]));
  const sound = seen.columns.filter(({ judgement }) => judgement.verdict !== 'insufficient').length;
  const whole = wholeDataQuality({ columns: seen.columns.length, judged: sound, broken, rows: profile.rows });
  return {
    state: { layout: known.layout, judgedMs: isClosed ? endMs : known.judgedMs, columns },
    judged:
      judged.length === 0 ? [] : [{ subject: '', ...whole, reason: noted(whole.reason, note), fromMs, toMs: endMs, evidence: { broken } }, ...judged],
  };
}

function lastRows({ history, endMs }: DataQualityWalkInput): { fromMs: number; profile: Profile | undefined } {
  let found: { fromMs: number; profile: Profile | undefined } = { fromMs: endMs, profile: undefined };
  for (const span of [1, 6, 24, 168]) {
    const fromMs = Math.ceil((endMs - span * hourMs) / hourMs) * hourMs;
    // Without rows in the last hour there is nothing new to judge.
    const hours = history.between(fromMs, endMs);
    if (hours.length === 0) return found;
    found = { fromMs, profile: sumProfile(hours) };
    if ((found.profile?.rows ?? 0) >= wantedRows) return found;
  }
  return found;
}

function remember(
  own: z.infer<typeof Memory>,
  { verdict }: Judgement,
  { fromMs, isClosed }: { fromMs: number; isClosed: boolean },
): z.infer<typeof Memory> {
  if (verdict === 'alarm') return { alarmedMs: own.alarmedMs ?? fromMs, quiet: 0 };
  if (own.alarmedMs === null || verdict === 'insufficient' || !isClosed) return own;
  const quiet = own.quiet + 1;
  return quiet >= quietWindows ? { alarmedMs: null, quiet: 0 } : { alarmedMs: own.alarmedMs, quiet };
}

function walked(
  { column, judgement, checks }: ColumnQuality,
  { alarmedMs }: z.infer<typeof Memory>,
  { fromMs, toMs, note }: { fromMs: number; toMs: number; note: string | undefined },
): WalkedJudgement {
  const isQuieting = alarmedMs !== null && judgement.verdict !== 'alarm';
  const reason = isQuieting ? `${judgement.reason}; the alarm ends after ${quietWindows} such hours` : judgement.reason;
  const since = alarmedMs === null ? {} : { since: new Date(alarmedMs).toISOString() };
  return {
    subject: column,
    ...judgement,
    verdict: alarmedMs === null ? judgement.verdict : 'alarm',
    reason: noted(reason, note),
    fromMs,
    toMs,
    evidence: { checks, ...since },
  };
}

function noted(reason: string, note: string | undefined): string {
  return note === undefined ? reason : `${reason}; ${note}`;
}
