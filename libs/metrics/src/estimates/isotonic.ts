/** A monotone map as breakpoints: straight lines between them, level outside. */
export interface MonotoneMap {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** Breakpoints that are kept; where there are more, those of nearly the same height are joined. */
const breakpointsMax = 1_000;

interface Block {
  from: number;
  to: number;
  sum: number;
  weight: number;
}

/**
 * Isotonic regression by pooling adjacent violators (Ayer et al. 1955): the increasing function of the scores with the least squared distance to
 * the truths. Equal scores are one point; as scikit-learn's, it is straight between the points and level outside of them.
 * @param truths 0 or 1, or any finite numbers
 */
export function fitIsotonic(scores: ArrayLike<number>, truths: ArrayLike<number>): MonotoneMap {
  const points = pointsOf(scores, truths);
  const blocks: Block[] = [];
  for (const [index, { sum, weight }] of points.entries()) {
    blocks.push({ from: index, to: index, sum, weight });
    poolBack(blocks);
  }
  join(blocks);
  const x: number[] = [];
  const y: number[] = [];
  for (const { from, to, sum, weight } of blocks) {
    const [low, high] = [points[from]?.score ?? 0, points[to]?.score ?? 0];
    x.push(low);
    y.push(sum / weight);
    if (high === low) continue;
    x.push(high);
    y.push(sum / weight);
  }
  return { x, y };
}

/** The map's value at a score. Without breakpoints the score itself. */
export function applyMap({ x, y }: MonotoneMap, score: number): number {
  const last = x.length - 1;
  if (last < 0) return score;
  if (score <= (x[0] ?? 0)) return y[0] ?? 0;
  if (score >= (x[last] ?? 0)) return y[last] ?? 0;
  let low = 0;
  let high = last;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((x[middle] ?? 0) <= score) low = middle;
    else high = middle;
  }
  const [fromX, toX, fromY, toY] = [x[low] ?? 0, x[high] ?? 0, y[low] ?? 0, y[high] ?? 0];
  return fromX === score ? fromY : fromY + ((toY - fromY) * (score - fromX)) / (toX - fromX);
}

interface Point {
  readonly score: number;
  sum: number;
  weight: number;
}

/** Scores in ascending order, each once, with the truths that came with it. */
function pointsOf(scores: ArrayLike<number>, truths: ArrayLike<number>): Point[] {
  const order = Uint32Array.from({ length: scores.length }, (_, index) => index).sort((a, b) => (scores[a] ?? 0) - (scores[b] ?? 0));
  const points: Point[] = [];
  for (const index of order) {
    const [score, truth] = [scores[index] ?? 0, truths[index] ?? 0];
    const last = points.at(-1);
    if (last !== undefined && last.score === score) {
      last.sum += truth;
      last.weight += 1;
    } else points.push({ score, sum: truth, weight: 1 });
  }
  return points;
}

/** Joins the last block with those before it that are not lower. */
function poolBack(blocks: Block[]): void {
  for (let last = blocks.at(-1), before = blocks.at(-2); last !== undefined && before !== undefined; last = blocks.at(-1), before = blocks.at(-2)) {
    if (before.sum * last.weight < last.sum * before.weight) return;
    before.to = last.to;
    before.sum += last.sum;
    before.weight += last.weight;
    blocks.pop();
  }
}

/** Blocks whose heights lie in the same of equally high steps become one, when there are too many of them. */
function join(blocks: Block[]): void {
  // Each block has two breakpoints.
  const room = breakpointsMax / 2;
  if (blocks.length <= room) return;
  const heightOf = ({ sum, weight }: Block) => sum / weight;
  const [lowest, highest] = [blocks[0], blocks.at(-1)].map((block) => (block === undefined ? 0 : heightOf(block)));
  const stepOf = (block: Block) => Math.min(room - 1, Math.floor((room * (heightOf(block) - (lowest ?? 0))) / ((highest ?? 0) - (lowest ?? 0))));
  const joined: Block[] = [];
  let step = -1;
  for (const block of blocks) {
    const last = joined.at(-1);
    if (last !== undefined && stepOf(block) === step) {
      last.to = block.to;
      last.sum += block.sum;
      last.weight += block.weight;
    } else {
      step = stepOf(block);
      joined.push({ ...block });
    }
  }
  blocks.splice(0, blocks.length, ...joined);
}
