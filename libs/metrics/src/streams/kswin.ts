import { kolmogorovSmirnov } from '../drift/kolmogorov-smirnov.js';
import { seededRandom } from '../evaluation/seeded-random.js';

export interface KswinOptions {
  readonly level?: number;
  /** Values that are kept, and how many of them are the recent ones. */
  readonly windowSize?: number;
  readonly recentSize?: number;
  readonly seed?: number;
}

/** Distributions that are closer than that are not told apart, however surely they differ. */
const leastDistance = 0.1;

/**
 * Finds where the distribution of a stream changes: the newest values against as many drawn from those before (C. Raab, M. Heusinger and F.-M. Schleif, 2020;
 * as River's `KSWIN`, `monitoring.md` 6.11).
 */
export class Kswin {
  private readonly options: Required<KswinOptions>;
  private readonly random: () => number;
  private window: number[] = [];

  constructor(options: KswinOptions = {}) {
    this.options = { level: 0.005, windowSize: 100, recentSize: 30, seed: 42, ...options };
    this.random = seededRandom(this.options.seed);
  }

  /** Takes the next value. @returns whether the distribution has changed. */
  update(value: number): boolean {
    const { level, windowSize, recentSize } = this.options;
    this.window.push(value);
    if (this.window.length > windowSize) this.window.shift();
    if (this.window.length < windowSize) return false;
    const before = this.window.slice(0, windowSize - recentSize);
    const recent = this.window.slice(windowSize - recentSize);
    const { value: distance, p } = kolmogorovSmirnov(this.draw(before, recentSize), recent);
    if (distance === null || p === null || p > level || distance <= leastDistance) return false;
    // The next value begins anew.
    this.window = [];
    return true;
  }

  /** So many values without repetition. */
  private draw(values: readonly number[], count: number): number[] {
    const left = [...values];
    return Array.from({ length: Math.min(count, left.length) }, () => left.splice(Math.floor(this.random() * left.length), 1)[0] ?? 0);
  }
}
