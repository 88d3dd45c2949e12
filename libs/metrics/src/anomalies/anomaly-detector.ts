import { invariant } from '@slipway/contracts';
import { z } from 'zod';
import { RankHistory, RankHistoryState } from './rank-history.js';
import { medianOf, type SeasonalExpectation, SeasonHistory, SeasonState } from './season-history.js';

/** Points whose mean residual is judged beside the point's own: what is too small to be seen at once is seen as it lasts. */
const shortPoints = 6;
/** Sizes that are remembered at full weight: three weeks of windows of five minutes, as the season. */
const capacity = 6_048;
/** By how much a score must exceed those within the cool-down to be another anomaly: a quarter rarer. */
const rarerBy = 0.1;
/** An episode is over after so many points in a row that are back within what was usual when it began. */
const quietPoints = 6;
/** Residuals of the episode that are kept, for the new level. */
const episodeResiduals = 300;
/** Share of a new value in the recent level, where no season is known. */
const recentShare = 0.2;

export interface AnomalyDetectorOptions {
  /** Score from which a point is an anomaly. Default 3.5. */
  readonly threshold?: number;
  /** After an anomaly, only a point that is rarer by a quarter than all of so many before it is another one. Default 100. */
  readonly coolDownPoints?: number;
  /** From this time on an anomaly that lasts is learnt from like everything else, in ms. Default 6 h. */
  readonly learnAfterMs?: number;
  /** An anomaly that has lasted for so long is the new level, in ms. Default 24 h. */
  readonly adoptAfterMs?: number;
}

export interface Observation {
  /**
   * How rare the point is in this series: the mean of two conformal ranks, −log₁₀ of the share of earlier sizes at least as large, each plus up to 1
   * beyond the largest; 3 is about 1 in 1 000. One threshold fits every series.
   */
  readonly score: number;
  /** The score, or 0 while a rarer point is less than the cool-down ago. */
  readonly freshScore: number;
  /** Rare enough, and not within the cool-down of another anomaly. */
  readonly isAnomaly: boolean;
  /** Whether an anomaly goes on: it began at this point or before, and is not yet over. */
  readonly isInEpisode: boolean;
  readonly expected: number;
  /** Values that would not be anomalous by themselves; null while too little is known. */
  readonly band: readonly [number, number] | null;
  /** Same time of earlier days, or the last values where fewer than two days are known. */
  readonly basis: 'season' | 'recent';
  /** Earlier points that the score is relative to. */
  readonly seen: number;
  readonly reason: string;
}

const Basis = z.enum(['season', 'recent']);
/** Everything a detector remembers. At most about 30 kB as JSON. */
export const AnomalyDetectorState = z.object({
  season: SeasonState,
  ranks: z.partialRecord(Basis, z.object({ own: RankHistoryState, short: RankHistoryState })),
  basis: Basis,
  level: z.number().nullable(),
  recent: z.array(z.number()),
  /** Scores of the cool-down that nothing later was rarer than: [points ago the detector began, score]. */
  peaks: z.array(z.tuple([z.number(), z.number()])),
  points: z.number(),
  /** Residuals of points that were known not to tell of the usual. */
  unusual: z.array(z.number()),
  episode: z.object({ sinceMs: z.number(), quiet: z.number(), quietSize: z.number(), residuals: z.array(z.number()) }).nullable(),
});
export type AnomalyDetectorState = z.infer<typeof AnomalyDetectorState>;

const beginning: AnomalyDetectorState = {
  season: { last: 0, values: [], points: 0 },
  ranks: {},
  basis: 'recent',
  level: null,
  recent: [],
  peaks: [],
  points: 0,
  unusual: [],
  episode: null,
};

interface Ranks {
  readonly own: RankHistory;
  readonly short: RankHistory;
}

/**
 * Finds anomalies in one series as its points come (`monitoring.md` 6.12). What is expected is the median of the same time of day where two days
 * are known, else a level that follows the last values; how rare the distance is, and the mean distance of the last six points, is told by
 * conformal rank. The expectation learns nothing from anomalies unless they last. A missing point is a gap: it is simply not observed.
 */
export class AnomalyDetector {
  private readonly options: Required<AnomalyDetectorOptions>;
  private readonly season: SeasonHistory;
  private readonly ranks: Partial<Record<'season' | 'recent', Ranks>>;
  private readonly memory: Pick<AnomalyDetectorState, 'basis' | 'level' | 'recent' | 'peaks' | 'points' | 'unusual' | 'episode'>;

  /** @param state of `toState`, to go on where another one ended. */
  constructor(options: AnomalyDetectorOptions = {}, state?: AnomalyDetectorState) {
    this.options = { threshold: 3.5, coolDownPoints: 100, learnAfterMs: 6 * 3_600_000, adoptAfterMs: 24 * 3_600_000, ...options };
    this.season = SeasonHistory.of((state ?? beginning).season);
    this.ranks = {};
    for (const basis of Basis.options) {
      const known = state?.ranks[basis];
      if (known !== undefined) this.ranks[basis] = { own: RankHistory.of(known.own, capacity), short: RankHistory.of(known.short, capacity) };
    }
    const { season: _, ranks: __, ...memory } = state ?? beginning;
    this.memory = structuredClone(memory);
  }

  /** Judges a point, then learns from it. Points come in the order of time. */
  observe(atMs: number, value: number): Observation {
    invariant(Number.isFinite(value), 'expected a finite value; what is missing is not observed', { atMs, value });
    this.settle();
    const { memory, options } = this;
    const { expected, basis, seasonal } = this.expect(atMs, value);
    const residual = value - expected;
    memory.recent = [...memory.recent, residual].slice(-shortPoints);
    const [size, shortSize] = [Math.abs(residual), Math.abs(meanOf(memory.recent))];
    const ranks = this.ranksOf(basis);
    const score = rounded((ranks.own.surprise(size) + ranks.short.surprise(shortSize)) / 2);
    const freshScore = this.coolDown(score);
    const half = ranks.own.sizeOf(options.threshold);
    const seen = ranks.own.total;
    if (this.learnsFrom({ atMs, score, residual, ranks })) {
      ranks.own.add(size);
      ranks.short.add(shortSize);
      this.season.add(atMs, value);
      this.follow(value);
    }
    return {
      score,
      freshScore,
      isAnomaly: freshScore >= options.threshold,
      isInEpisode: memory.episode !== null,
      expected,
      band: Number.isFinite(half) ? [expected - half, expected + half] : null,
      basis,
      seen,
      reason: reasonOf({ value, expected, score, seasonal, seen }),
    };
  }

  /**
   * A point that is known not to tell of the usual, as after a deploy: it is not judged, and when such points are over, what they were is the new
   * level.
   * @returns what was expected all the same
   */
  relearn(atMs: number, value: number): number {
    invariant(Number.isFinite(value), 'expected a finite value; what is missing is not observed', { atMs, value });
    const { memory } = this;
    const { expected } = this.expect(atMs, value);
    memory.unusual = [...memory.unusual, value - expected].slice(-episodeResiduals);
    memory.episode = null;
    this.follow(value);
    return expected;
  }

  toState(): AnomalyDetectorState {
    const ranks: AnomalyDetectorState['ranks'] = {};
    for (const basis of Basis.options) {
      const known = this.ranks[basis];
      if (known !== undefined) ranks[basis] = { own: known.own.toState(), short: known.short.toState() };
    }
    return { ...structuredClone(this.memory), season: this.season.toState(), ranks };
  }

  private expect(atMs: number, value: number): { expected: number; basis: 'season' | 'recent'; seasonal: SeasonalExpectation | undefined } {
    const { memory } = this;
    const seasonal = this.season.expect(atMs);
    const basis = seasonal === undefined ? 'recent' : 'season';
    if (basis !== memory.basis) Object.assign(memory, { basis, recent: [] });
    return { expected: seasonal?.expected ?? memory.level ?? value, basis, seasonal };
  }

  /** Takes what was relearnt as the new level, as soon as it is over. */
  private settle(): void {
    const { memory } = this;
    if (memory.unusual.length === 0) return;
    if (memory.basis === 'season') this.season.shift(medianOf(memory.unusual));
    Object.assign(memory, { unusual: [], recent: [] });
  }

  private ranksOf(basis: 'season' | 'recent'): Ranks {
    const known = this.ranks[basis] ?? { own: RankHistory.empty(capacity), short: RankHistory.empty(capacity) };
    this.ranks[basis] = known;
    return known;
  }

  private coolDown(score: number): number {
    const { memory } = this;
    memory.points += 1;
    const living = memory.peaks.filter(([at]) => at > memory.points - this.options.coolDownPoints);
    const highest = living[0]?.[1] ?? Number.NEGATIVE_INFINITY;
    memory.peaks = [...living.filter(([, peak]) => peak > score), [memory.points, score]];
    return score > highest + rarerBy ? score : 0;
  }

  /** Follows the episode that a point is in. @returns whether the point is learnt from: it is no part of one, or it has lasted for long */
  private learnsFrom(seen: { atMs: number; score: number; residual: number; ranks: Ranks }): boolean {
    const { memory, options } = this;
    const { atMs, score, residual, ranks } = seen;
    if (memory.episode === null) {
      if (score < options.threshold) return true;
      // What counts as quiet is set now: what is learnt later must not end the episode.
      memory.episode = { sinceMs: atMs, quiet: 0, quietSize: Math.min(Number.MAX_VALUE, ranks.own.sizeOf(options.threshold - 1)), residuals: [] };
    }
    const { episode } = memory;
    const isQuiet = score < options.threshold - 1 && Math.abs(residual) <= episode.quietSize;
    episode.quiet = isQuiet ? episode.quiet + 1 : 0;
    episode.residuals = [...episode.residuals, rounded(residual)].slice(-episodeResiduals);
    if (episode.quiet >= quietPoints) {
      memory.episode = null;
      return true;
    }
    const lastedMs = atMs - episode.sinceMs;
    if (lastedMs >= options.adoptAfterMs) this.adopt(episode.residuals);
    return lastedMs >= options.learnAfterMs;
  }

  /** Takes what has lasted as the new level: the days keep their shape. */
  private adopt(residuals: readonly number[]): void {
    if (this.memory.basis === 'season') this.season.shift(medianOf(residuals));
    Object.assign(this.memory, { episode: null, recent: [] });
  }

  private follow(value: number): void {
    const { level } = this.memory;
    this.memory.level = rounded(level === null ? value : level + recentShare * (value - level));
  }
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Nine digits are kept: enough for any band, and half of the text of a state. */
function rounded(value: number): number {
  return Number(value.toPrecision(9));
}

function reasonOf(seen: { value: number; expected: number; score: number; seasonal: SeasonalExpectation | undefined; seen: number }): string {
  const { value, expected, score, seasonal } = seen;
  const whence =
    seasonal === undefined
      ? 'from the last values, since fewer than two days are known'
      : `at this time of day, from ${seasonal.days} ${seasonal.isSplit ? 'days of the same part of the week' : 'earlier days'}`;
  return `${number(value)} where ${number(expected)} was expected ${whence}; rarer than 1 in ${number(10 ** score)} of ${Math.round(seen.seen)} points before.`;
}

function number(value: number): string {
  return String(Number(value.toPrecision(3)));
}
