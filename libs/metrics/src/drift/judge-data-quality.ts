import type { ColumnCounts, ColumnLayout, Judgement, Profile } from '@slipway/contracts';
import { wilsonInterval } from '../quality/intervals.js';
import { binomialTail, shareUpperBound } from './binomial-bounds.js';
import { namesText, percentText, rowsText } from './drift-sentences.js';
import type { DriftReference } from './judge-drift.js';

/** Fewer rows than this say nothing about a share. */
const fewestRows = 20;

export const dataQualityChecks = ['missing', 'not_finite', 'unseen', 'range'] as const;
export type DataQualityCheck = (typeof dataQualityChecks)[number];

export interface DataQualityOptions {
  /** Chance of a false alarm of this window, over all columns and checks; 0.1 % unless given. */
  readonly level?: number;
  /** Share by which a column must be worse than its reference besides being significantly so; 1 % unless given. */
  readonly minShare?: number;
  readonly ignore?: readonly string[];
  /** Whether the reference knows the whole range: one learned within hours does not, and then only a fifth of all rows beyond it counts. */
  readonly coversDays?: boolean;
}

/** One check of one column: exact counts, and the most that the reference lets expect. */
export interface CheckedShare {
  readonly check: DataQualityCheck;
  readonly count: number;
  readonly n: number;
  readonly share: number;
  readonly referenceShare: number;
  /** Above this share the window alarms, if it is no chance either. */
  readonly limit: number;
  /** Chance of as many, were the reference's share as high as it can be. */
  readonly p: number;
  readonly isBroken: boolean;
}

export interface ColumnQuality {
  readonly column: string;
  readonly side: ColumnLayout['side'];
  readonly judgement: Judgement;
  readonly checks: readonly CheckedShare[];
}

export interface DataQualityJudgement {
  readonly columns: readonly ColumnQuality[];
  readonly whole: Judgement;
}

const learnedShare = 0.2;

/**
 * Judges missing values, values that are no finite numbers, categories that the reference never saw and values beyond its range. Counts are
 * exact, so the bounds are too: the reference's share is taken at its Clopper–Pearson upper bound and the window's count by the binomial tail
 * above that, each wrong with half of the level; the level is divided by the number of checks (`monitoring.md` 7, rule 7).
 * @throws RangeError where the profile is not in the reference's layout
 */
export function judgeDataQuality(reference: DriftReference, window: Profile, options: DataQualityOptions = {}): DataQualityJudgement {
  const { layout, profile } = reference;
  if (window.layout !== profile.layout) throw new RangeError(`expected counts in layout ${profile.layout}, given ${window.layout}`);
  const ignored = new Set(options.ignore);
  const pairs = layout.columns.flatMap((column, index) => {
    const [first, second] = [profile.columns[index], window.columns[index]];
    return first === undefined || second === undefined ? [] : [{ column, first, second, asked: questionsOf(column, first, second) }];
  });
  const bounds = boundsOf(reference);
  const questions = pairs.reduce((sum, { asked }) => sum + asked.length, 0);
  const level = (options.level ?? 0.001) / Math.max(1, questions);
  const columns = pairs.map(({ column, second, asked }): ColumnQuality => {
    const checks = second.n < fewestRows ? [] : asked.map((question) => checked(question, { level, bounds, excess: leastExcess(question, options) }));
    return { column: column.name, side: column.side, judgement: columnJudgement(column.name, second, checks, ignored.has(column.name)), checks };
  });
  return { columns, whole: wholeJudgement(columns, window.rows) };
}

/** How many of how many, on both sides. */
interface Question {
  readonly check: DataQualityCheck;
  readonly seen: number;
  readonly of: number;
  readonly referenceSeen: number;
  readonly referenceOf: number;
  /** Rows of the reference that its own bounds were taken from, and so cannot lie beyond. */
  readonly atBounds: number;
}

function questionsOf({ kind, side, edges, categories }: ColumnLayout, first: ColumnCounts, second: ColumnCounts): Question[] {
  const sides = { of: second.n, referenceOf: first.n };
  const questions: Question[] = [{ check: 'missing', seen: second.missing, referenceSeen: first.missing, ...sides, atBounds: 0 }];
  if (kind === 'numeric') {
    // A number that a model answered with must be one: what is missing in an output is NaN.
    const isOutput = side === 'output';
    questions.push({ check: 'not_finite', seen: second.infinite, referenceSeen: first.infinite, ...sides, atBounds: 0 });
    if (isOutput)
      questions[0] = {
        check: 'not_finite',
        seen: second.missing + second.infinite,
        referenceSeen: first.missing + first.infinite,
        ...sides,
        atBounds: 0,
      };
    if (isOutput) questions.pop();
  }
  if (kind === 'numeric' && (edges?.length ?? 0) > 0) {
    const [below, above] = [second.bins[0] ?? 0, second.bins.at(-1) ?? 0];
    // Beyond the extremes of n rows lie two of n + 1 on average.
    questions.push({ check: 'range', seen: below + above, referenceSeen: 0, of: rowsIn(second), referenceOf: rowsIn(first), atBounds: 1 });
  }
  if (kind === 'categorical' && (categories?.length ?? 0) > 0)
    questions.push({
      check: 'unseen',
      seen: second.bins.at(-1) ?? 0,
      referenceSeen: first.bins.at(-1) ?? 0,
      of: rowsIn(second),
      referenceOf: rowsIn(first),
      atBounds: 0,
    });
  return questions.filter(({ of, referenceOf }) => of > 0 && referenceOf > 0);
}

function rowsIn({ n, missing, infinite }: ColumnCounts): number {
  return n - missing - infinite;
}

function leastExcess({ check }: Question, { minShare = 0.01, coversDays = true }: DataQualityOptions): number {
  return !coversDays && (check === 'range' || check === 'unseen') ? Math.max(minShare, learnedShare) : minShare;
}

type Bounds = Map<string, number>;
const boundsByReference = new WeakMap<DriftReference, Bounds>();
/** Two levels, some hundred columns, some checks; more than that is another use, and begins anew. */
const boundsMost = 5_000;

/** Upper bounds of a reference's shares: worked out once, since neither the reference nor the level changes from hour to hour. */
function boundsOf(reference: DriftReference): Bounds {
  const known = boundsByReference.get(reference);
  if (known !== undefined && known.size < boundsMost) return known;
  const bounds: Bounds = new Map();
  boundsByReference.set(reference, bounds);
  return bounds;
}

function boundOf(bounds: Bounds, seen: number, of: number, level: number): number {
  const key = `${seen}/${of}/${level}`;
  const bound = bounds.get(key) ?? shareUpperBound(seen, of, level);
  bounds.set(key, bound);
  return bound;
}

function checked(question: Question, { level, bounds, excess }: { level: number; bounds: Bounds; excess: number }): CheckedShare {
  const { check, seen, of, referenceSeen, referenceOf, atBounds } = question;
  const share = seen / of;
  const referenceShare = referenceSeen / referenceOf;
  const bound = boundOf(bounds, referenceSeen + atBounds, referenceOf, level / 2);
  const limit = Math.max(bound, referenceShare + excess);
  const p = share <= bound ? 1 : binomialTail(seen, of, bound);
  return { check, count: seen, n: of, share, referenceShare, limit, p, isBroken: share > limit && p <= level / 2 };
}

const said: Record<DataQualityCheck, string> = {
  missing: 'are missing',
  not_finite: 'are no finite numbers',
  unseen: 'are categories that the reference never saw',
  range: "lie beyond the reference's range",
};

function columnJudgement(name: string, { n }: ColumnCounts, checks: readonly CheckedShare[], isIgnored: boolean): Judgement {
  const worst = worstOf(checks);
  if (worst === undefined) {
    const reason = `the values of ${name} cannot be judged: ${rowsText(n)} rows are too few, ${fewestRows} are needed`;
    return { value: null, interval: null, n, threshold: null, verdict: 'insufficient', reason };
  }
  const broken = checks.filter(({ isBroken }) => isBroken);
  const isAlarm = broken.length > 0 && !isIgnored;
  const told = (broken.length > 0 ? broken : [worst]).map(shareText).join('; ');
  return {
    value: worst.share,
    interval: [...wilsonInterval(worst.count, worst.n)],
    n: worst.n,
    threshold: worst.limit,
    verdict: isAlarm ? 'alarm' : 'ok',
    reason: `${isAlarm ? `the values of ${name} are broken` : isIgnored ? `${name} is watched without alarms` : `the values of ${name} are sound`}: ${told}`,
  };
}

function shareText({ check, share, referenceShare, limit, n }: CheckedShare): string {
  return `${percentText(share)} of ${rowsText(n)} ${said[check]} (reference ${percentText(referenceShare)}, limit ${percentText(limit)})`;
}

/** Broken ones first, then by how near the limit is. */
function worstOf(checks: readonly CheckedShare[]): CheckedShare | undefined {
  const rank = ({ isBroken, share, limit }: CheckedShare) => (isBroken ? 1e6 : 0) + share / limit;
  return checks.reduce<CheckedShare | undefined>((worst, check) => (worst === undefined || rank(check) > rank(worst) ? check : worst), undefined);
}

function wholeJudgement(columns: readonly ColumnQuality[], rows: number): Judgement {
  const judged = columns.filter(({ judgement }) => judgement.verdict !== 'insufficient');
  const broken = columns.filter(({ judgement }) => judgement.verdict === 'alarm').map(({ column }) => column);
  return wholeDataQuality({ columns: columns.length, judged: judged.length, broken, rows });
}

/** The whole is broken when any column is. `value` is the share of broken columns. */
export function wholeDataQuality(of: { columns: number; judged: number; broken: readonly string[]; rows: number }): Judgement {
  const { columns, judged, broken, rows } = of;
  const base = { interval: null, n: rows, threshold: 0 };
  if (judged === 0)
    return { ...base, value: null, verdict: 'insufficient', reason: `${rowsText(rows)} rows are too few to judge, ${fewestRows} are needed` };
  const value = broken.length / Math.max(1, columns);
  if (broken.length === 0) return { ...base, value, verdict: 'ok', reason: `the values of all ${judged} columns are sound` };
  return { ...base, value, verdict: 'alarm', reason: `the values of ${broken.length} of ${judged} columns are broken: ${namesText(broken)}` };
}
