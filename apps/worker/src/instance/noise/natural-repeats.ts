import type { NaturalReport, Task } from '@slipway/contracts';
import type { Tensor } from '@slipway/inference';
import { addTotals, answerSpread, type NoiseTotals, noTotals, type ProbedAnswer, totalsOf } from '@slipway/metrics/noise';
import { probedAnswer } from './probed-answer.js';

/** Different inputs that are followed at a time. */
export const followedMost = 1024;
/** Answers to one input that are kept for comparing, and values of each: 4 MB at most. */
const answersMost = 8;
const valuesMost = 64;
/** Larger inputs are not looked at: reading them would no longer be nearly free. */
const inputBytesMost = 4 * 1024;
const hourMs = 3_600_000;
/** Bits of a key that say whether it is followed. */
const hashedBits = 20;
/** Nobody has asked for so long: nothing is counted any more. */
const forgottenMs = 15 * 60_000;

/**
 * Compares the answers to inputs that callers send more than once within an hour. Memory is bounded: when more inputs come than are followed, only
 * those whose hash falls into an ever smaller part are, so what is left is a fair sample of the inputs, each with all its repetitions (P. Gibbons,
 * "Distinct sampling", 2001). Counts only while somebody asks for it.
 */
export class NaturalRepeats {
  private readonly followed = new Map<number, ProbedAnswer[]>();
  private startAtMs = 0;
  private before: { readonly startAtMs: number; readonly totals: NoiseTotals } | undefined;
  /** Inputs with this many low bits of their hash zero are followed. */
  private depth = 0;
  private askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly task: Task | undefined,
    private readonly now: () => number = Date.now,
  ) {}

  /** Looks at an answered request of a caller. */
  note(inputs: readonly Tensor[], outputs: readonly Tensor[]): void {
    const now = this.now();
    if (now - this.askedAtMs > forgottenMs) return;
    this.turnHour(now);
    const key = keyOf(inputs);
    if (key === undefined || !isFollowed(key, this.depth)) return;
    const known = this.followed.get(key);
    if (known !== undefined) {
      if (known.length < answersMost) known.push(probedAnswer(this.task, outputs, valuesMost));
      return;
    }
    if (this.followed.size >= followedMost) this.follow(this.depth + 1);
    if (isFollowed(key, this.depth)) this.followed.set(key, [probedAnswer(this.task, outputs, valuesMost)]);
  }

  /** What was counted in this hour and in the one before it; from now on there is counting. */
  report(): NaturalReport {
    const now = this.now();
    this.askedAtMs = now;
    this.turnHour(now);
    const windows = [...(this.before === undefined ? [] : [this.before]), { startAtMs: this.startAtMs, totals: this.totals() }];
    return { windows: windows.map(({ startAtMs, totals }) => ({ startAtMs, ...shownOf(totals) })) };
  }

  private turnHour(now: number): void {
    const startAtMs = Math.floor(now / hourMs) * hourMs;
    if (startAtMs === this.startAtMs) return;
    this.before = this.startAtMs === 0 ? undefined : { startAtMs: this.startAtMs, totals: this.totals() };
    this.startAtMs = startAtMs;
    this.followed.clear();
    this.depth = Math.max(0, this.depth - 1);
  }

  private follow(depth: number): void {
    this.depth = depth;
    for (const key of this.followed.keys()) if (!isFollowed(key, depth)) this.followed.delete(key);
  }

  private totals(): NoiseTotals {
    let totals = noTotals();
    for (const answers of this.followed.values()) {
      const spread = answerSpread(answers);
      if (spread !== undefined) totals = addTotals(totals, totalsOf(spread));
    }
    return totals;
  }
}

function shownOf({
  n,
  labels,
  flips,
  varianceSum,
  relativeSum,
  relativeMax,
  bins,
}: NoiseTotals): Omit<NaturalReport['windows'][number], 'startAtMs'> {
  return { n, labels, flips, varianceSum, relativeSum, relativeMax, bins: [...bins] };
}

function isFollowed(key: number, depth: number): boolean {
  return Math.floor(key / 2 ** 32) % 2 ** Math.min(depth, hashedBits) === 0;
}

/** Names, shapes and values of the inputs in 52 bits; undefined for inputs that are too large. */
function keyOf(inputs: readonly Tensor[]): number | undefined {
  const [low, high] = [new WordHash(0x811c9dc5), new WordHash(0x9e3779b9)];
  const add = (word: number) => {
    low.add(word);
    high.add(word);
  };
  let left = inputBytesMost;
  for (const { name, shape, data } of inputs) {
    addText(name, add);
    for (const dimension of shape) add(dimension);
    left -= ArrayBuffer.isView(data) ? data.byteLength : data.reduce((sum, text) => sum + text.length, 0);
    if (left < 0) return undefined;
    if (ArrayBuffer.isView(data)) addBytes(data, add);
    else for (const text of data) addText(text, add);
  }
  return (high.end() >>> 12) * 2 ** 32 + low.end();
}

/** MurmurHash3 for 32 bits (A. Appleby, 2011, public domain), word by word. */
class WordHash {
  constructor(private state: number) {}

  add(word: number): void {
    const mixed = Math.imul(word, 0xcc9e2d51);
    const turned = this.state ^ Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
    this.state = (Math.imul((turned << 13) | (turned >>> 19), 5) + 0xe6546b64) | 0;
  }

  end(): number {
    let mixed = this.state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  }
}

/** With its length before it, so that texts do not run into each other. */
function addText(text: string, add: (word: number) => void): void {
  add(text.length);
  for (let at = 0; at < text.length; at += 1) add(text.charCodeAt(at));
}

/** Word by word where they lie on whole words, which nearly all do. */
function addBytes(data: ArrayBufferView, add: (word: number) => void): void {
  const { buffer, byteOffset, byteLength } = data;
  const words = byteOffset % 4 === 0 ? new Int32Array(buffer, byteOffset, byteLength >>> 2) : new Int32Array(0);
  for (let at = 0; at < words.length; at += 1) add(words[at] ?? 0);
  const rest = new Uint8Array(buffer, byteOffset + words.byteLength, byteLength - words.byteLength);
  for (let at = 0; at < rest.length; at += 1) add(rest[at] ?? 0);
}
