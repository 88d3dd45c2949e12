/** A request that takes longer keeps others waiting: a model's run cannot be interrupted, and live requests may stand behind it. */
const targetMs = 15;
/** Answers are held in memory, and what is made of them as well. */
const answerBytesMost = 8 * 1024 * 1024;
/** Where nothing is known of a model. */
export const firstRequestRows = 16;

/** What a request cost. */
export interface RequestCost {
  readonly rows: number;
  readonly tookMs: number;
  readonly answerBytes: number;
}

/**
 * How many rows the next request has: as many as the model answers in a moment.
 * @param rows the present size; a request of fewer (the rest of a block) says nothing about growing.
 */
export function nextRequestRows(rows: number, cost: RequestCost, max: number): number {
  const isLarge = cost.answerBytes > answerBytesMost;
  if (cost.tookMs > 2 * targetMs || isLarge) return Math.max(1, Math.floor(Math.min(rows, cost.rows) / 2));
  const mayGrow = cost.tookMs < targetMs && cost.rows >= rows && 2 * cost.answerBytes <= answerBytesMost;
  return Math.min(max, mayGrow ? rows * 2 : rows);
}
