import type { Judgement, QualityPoint, Task } from '@slipway/contracts';
import { accuracy, type ClassMetrics, classMetrics, type Estimate, macroMetrics } from './classification-metrics.js';
import { type ConfusionCell, type ConfusionCounts, countConfusion } from './confusion-counts.js';
import { addErrorSums, type ErrorSums, meanAbsoluteError, rootMeanSquaredError } from './regression-metrics.js';

/** Fewer labelled rows than this are shown, but judged insufficient. */
export const minLabelled = 30;

/** What was counted in one window: cells for a classifier, sums for a regressor. */
export interface QualityCounts {
  readonly predicted: number;
  readonly cells: readonly ConfusionCell[];
  readonly errors: readonly ErrorSums[];
}

type Metrics = Omit<QualityPoint, 'at' | 'version' | 'predicted'>;
const none: Metrics = { labelled: 0, accuracy: null, recall: null, precision: null, f1: null, mae: null, rmse: null };

/** Judges one window. Without labels every metric is null. */
export function judgeQuality(counts: QualityCounts, task: Task): Metrics {
  if (task.kind === 'regression') return judgeRegression(addErrorSums(counts.errors));
  if (task.kind === 'other') return none;
  return judgeClassification(countConfusion(counts.cells, classNames(task)), task);
}

/** The classes as they are stored with labels and predictions. */
export function classNames(task: Task): string[] | undefined {
  return task.classes?.map(String);
}

/** Whether recall and F1 are those of the positive class or the plain mean over classes. */
export function averageOf(task: Task): 'binary' | 'macro' | null {
  if (task.kind === 'binary') return 'binary';
  return task.kind === 'multiclass' ? 'macro' : null;
}

function judgeClassification(counts: ConfusionCounts, task: Task): Metrics {
  const { n } = counts;
  if (n === 0) return none;
  const positive = task.kind === 'binary' ? positiveIndex(counts.classes, task) : undefined;
  const metrics: ClassMetrics = positive === undefined ? macroMetrics(counts) : classMetrics(counts, positive);
  const name = positive === undefined ? undefined : (counts.classes[positive] ?? '');
  const what = (metric: string) => (name === undefined ? `${metric}, mean over ${counts.classes.length} classes` : `${metric} of class "${name}"`);
  return {
    ...none,
    labelled: n,
    accuracy: judge('accuracy', accuracy(counts), n, 'no labelled rows'),
    precision: judge(what('precision'), metrics.precision, n, 'the class was never predicted'),
    recall: judge(what('recall'), metrics.recall, n, 'the class did not occur'),
    f1: judge(what('F1'), metrics.f1, n, 'the class neither occurred nor was predicted'),
  };
}

/** The class that counts as positive: the one the task names, else the second, as in scikit-learn's 0/1 labels. */
function positiveIndex(classes: readonly string[], task: Task): number {
  const named = task.positiveClass === undefined ? -1 : classes.indexOf(String(task.positiveClass));
  return named >= 0 ? named : Math.min(1, classes.length - 1);
}

function judgeRegression(sums: ErrorSums): Metrics {
  if (sums.n === 0) return none;
  return {
    ...none,
    labelled: sums.n,
    mae: judge('mean absolute error', meanAbsoluteError(sums), sums.n, 'no labelled rows'),
    rmse: judge('root mean squared error', rootMeanSquaredError(sums), sums.n, 'no labelled rows'),
  };
}

function judge(what: string, estimate: Estimate | null, n: number, whyUndefined: string): Judgement {
  if (estimate === null)
    return { value: null, interval: null, n, threshold: null, verdict: 'insufficient', reason: `The ${what} is undefined: ${whyUndefined}.` };
  const { value, interval } = estimate;
  const shown = `The ${what} is ${value.toPrecision(3)} on ${n} labelled rows (95 % interval ${interval[0].toPrecision(3)} to ${interval[1].toPrecision(3)})`;
  if (n < minLabelled) {
    return {
      value,
      interval: [...interval],
      n,
      threshold: null,
      verdict: 'insufficient',
      reason: `${shown}; at least ${minLabelled} are needed for a judgement.`,
    };
  }
  return { value, interval: [...interval], n, threshold: null, verdict: 'ok', reason: `${shown}.` };
}
