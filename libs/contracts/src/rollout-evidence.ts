import type { Outcome } from './statuses.js';

/**
 * Running totals of one side of a comparison since a stage began. Every field is a sum, a count or an extreme, so totals of several gateways
 * merge by addition; the crossings between processes are JSON.
 */
export interface SideEvidence {
  readonly requests: number;
  readonly outcomes: Readonly<Partial<Record<Outcome, number>>>;
  /** Counts per latency bucket (the edges of `latency-buckets.ts`), seconds from the request's head to its answer. */
  readonly duration: readonly number[];
  /** The same of the model's own time, which copies of the lowest rank have in common with live requests. */
  readonly compute: readonly number[];
  readonly rows: number;
  /** Answers with NaN or infinity in them, or out of the stated ranges. */
  readonly invalidOutputs: number;
  /** Predicted classes, at most 64 and the rest under "…other". */
  readonly classes: Readonly<Record<string, number>>;
  /** Scores between 0 and 1, in 50 equal bins. */
  readonly scores: readonly number[];
  /** Predicted values of a regression: moments; `distinct` counts up to 2, which is enough to tell a constant. */
  readonly values: {
    readonly n: number;
    readonly sum: number;
    readonly sumOfSquares: number;
    readonly min: number | null;
    readonly max: number | null;
  };
  /** Whether two different answers have been seen. */
  readonly varies: boolean;
  /** Ends of its processes while they served. */
  readonly crashes: number;
}

/** Comparisons of both sides on the same requests. */
export interface PairEvidence {
  /** Requests that both answered, and rows in them that could be compared. */
  readonly requests: number;
  readonly rows: number;
  /** Rows with another predicted label. */
  readonly flips: number;
  /** By the label that stable predicts; at most 64 and the rest under "…other". */
  readonly byClass: Readonly<Record<string, { readonly rows: number; readonly flips: number }>>;
  /** |score difference| (classification), |difference of values| (regression): moments over rows. */
  readonly distance: { readonly n: number; readonly sum: number; readonly sumOfSquares: number; readonly max: number };
  /** Share of the top k that both name: moments over rows with at least k classes. */
  readonly topK: { readonly n: number; readonly sum: number };
  /** One side failed on it: by the side that failed. */
  readonly failedOn: { readonly stable: number; readonly candidate: number; readonly both: number };
  /** Pairs in which only the candidate's answer was invalid, only stable's, both. */
  readonly invalidOn: { readonly stable: number; readonly candidate: number; readonly both: number };
  /** Pairs that nothing could be said of: other outputs, no task, too many rows. */
  readonly incomparable: number;
}

/** What one stage of a rollout (or a standalone shadow, or a replay) has seen. */
export interface StageEvidence {
  readonly stage: number;
  readonly stable: SideEvidence;
  /** Answers to live callers. */
  readonly candidate: SideEvidence;
  /** Answers to copies, which nobody waits for. */
  readonly shadow: SideEvidence;
  readonly pairs: PairEvidence;
}

/**
 * What an instance says of its answer when the gateway asks for it: enough to compare two answers without reading tensors. Bounded: at most
 * `observedRowsMax` rows; classes by their names.
 */
export interface ObservedAnswer {
  /** Predicted label or value per row, null where none could be read. */
  readonly p?: readonly (string | number | null)[];
  /** Its score per row (see `predictedRows`). */
  readonly s?: readonly (number | null)[];
  /** Labels by falling score per row, at most 20, only where a version has more than two classes. */
  readonly k?: readonly (readonly (string | number)[])[];
  /** Without a task: a hash over names, shapes and values of all outputs, for equality alone. */
  readonly h?: string;
}

export const observedRowsMax = 64;
