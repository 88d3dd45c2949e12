import { fromFloat16, readBinaryData } from '@slipway/inference';
import type { BitFinding, PackedTensor } from '@slipway/metrics';

/** No two numbers are further apart: of equal size and opposite sign. Texts and shapes that differ count as that far apart. */
const furthest = 2;
/** Float32 has some 7 digits; sums in another order lose one or two of them. */
const roundingRelative = 1e-5;

/** How far apart two answers are; undefined when every output that both have is equal, bit by bit. */
export function relativeDifference(then: readonly PackedTensor[], now: readonly PackedTensor[]): number | undefined {
  let most: number | undefined;
  for (const tensor of then) {
    const other = now.find(({ name }) => name === tensor.name);
    // Callers ask for some of the outputs, replays for all.
    if (other !== undefined && other.datatype === tensor.datatype && sameShape(tensor, other) && other.bytes.equals(tensor.bytes)) continue;
    most = Math.max(most ?? 0, other === undefined ? furthest : apart(tensor, other));
  }
  return most;
}

/** Circumstances that change bits. */
export interface RunCircumstances {
  /** Whether the same process answers the same request differently when it is asked twice. */
  readonly isRandom: boolean;
  /** Whether it had run together with other requests. */
  readonly wasJoined: boolean;
  /** What its revision wished it to run on; a replay runs on `cpu`. */
  readonly provider: string;
}

/** Why bits differ. */
export function explainDifference(relative: number, { isRandom, wasJoined, provider }: RunCircumstances): BitFinding {
  if (isRandom) return { reason: 'random', relative };
  if (provider !== 'cpu') return { reason: 'provider', relative };
  if (wasJoined) return { reason: 'joined', relative };
  return { reason: relative <= roundingRelative ? 'rounding' : 'unexplained', relative };
}

function apart(a: PackedTensor, b: PackedTensor): number {
  if (a.datatype !== b.datatype || !sameShape(a, b)) return furthest;
  const [one, other] = [readBinaryData(a, a.bytes), readBinaryData(b, b.bytes)];
  let most = 0;
  for (let index = 0; index < one.length; index += 1) {
    const [x, y] = [one[index], other[index]];
    if (Object.is(x, y)) continue;
    if (typeof x === 'string' || typeof y === 'string' || x === undefined || y === undefined) return furthest;
    most = Math.max(most, relative(numberOf(a, x), numberOf(a, y)));
  }
  return most;
}

function numberOf({ datatype }: PackedTensor, value: number | bigint): number {
  return datatype === 'FP16' ? fromFloat16(Number(value)) : Number(value);
}

function relative(x: number, y: number): number {
  if (Object.is(x, y) || x === y) return 0;
  const distance = Math.abs(x - y) / Math.max(Math.abs(x), Math.abs(y));
  return Number.isFinite(distance) ? Math.min(furthest, distance) : furthest;
}

function sameShape(a: PackedTensor, b: PackedTensor): boolean {
  return a.shape.length === b.shape.length && a.shape.every((dimension, axis) => dimension === b.shape[axis]);
}
