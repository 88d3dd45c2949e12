import type { Task } from '@slipway/contracts';
import { type ConfusionCell, type ConfusionCounts, confusionMatrix, countConfusion } from './confusion-counts.js';
import { positiveClassOf } from './count-rows.js';
import { measureErrors } from './measure-errors.js';
import { measureLabels, measureOfClass } from './measure-labels.js';
import { measureScores, type ScoredRows, type ScoreMeasures } from './measure-scores.js';
import { classKey, effectiveCounts, isWeighted, labelledWeight, type QualityCounts } from './quality-counts.js';
import type { WindowMeasure } from './window-measure.js';

/** Everything that is measured of a window. */
export interface WindowMeasures {
  /** Labelled rows that count; of records that stand for others as many rows as they are worth (`effectiveCounts`). */
  readonly labelled: number;
  /** Predictions that these rows stand for. */
  readonly standsFor: number;
  /** By the names of `classificationMetrics` and `regressionMetrics`. */
  readonly metrics: Readonly<Record<string, WindowMeasure>>;
  readonly perClass: readonly {
    readonly class: string;
    readonly actual: number;
    readonly predicted: number;
    readonly metrics: Readonly<Record<string, WindowMeasure>>;
  }[];
  readonly confusion: { readonly classes: readonly string[]; readonly counts: readonly (readonly number[])[] } | null;
  readonly reliability: ScoreMeasures['reliability'];
  /** Labelled rows of the class that has the fewest: of two classes always, of many those of the version. Undefined for values. */
  readonly leastOfClass: number | undefined;
  /** The class that has the fewest rows. */
  readonly leastClass: string | undefined;
}

/** A matrix of more classes is not readable; the metrics still cover all of them. */
const maxMatrixClasses = 100;
/** Classes that are also measured one by one. */
const maxPerClass = 50;

/**
 * Measures what was counted (`monitoring.md` 6.7, 6.8). Areas, calibration and medians come from bins then, with a bound on what that may cost;
 * with the rows at hand they are exact.
 * @param rows all labelled rows of the window; where they stand for others, they are measured from what was counted of them
 */
export function measureWindow(counts: QualityCounts, task: Task, rows?: ScoredRows): WindowMeasures {
  if (!isWeighted(counts)) return measureCounts(counts, task, rows);
  const measures = measureCounts(effectiveCounts(counts), task);
  const factor = 1 + counts.excess / labelledWeight(counts);
  const whole = (count: number) => Math.round(count * factor);
  return {
    ...measures,
    standsFor: whole(measures.labelled),
    perClass: measures.perClass.map((one) => ({ ...one, actual: whole(one.actual), predicted: whole(one.predicted) })),
    confusion: measures.confusion === null ? null : { ...measures.confusion, counts: measures.confusion.counts.map((row) => row.map(whole)) },
  };
}

function measureCounts(counts: QualityCounts, task: Task, rows?: ScoredRows): WindowMeasures {
  if (task.kind === 'regression') {
    const metrics = measureErrors(counts, rows);
    return {
      labelled: counts.errors?.error.n ?? 0,
      standsFor: counts.errors?.error.n ?? 0,
      metrics,
      perClass: [],
      confusion: null,
      reliability: () => null,
      leastOfClass: undefined,
      leastClass: undefined,
    };
  }
  const confusion = countConfusion(cellsOf(counts), task.classes?.map(String));
  const { table, classes } = confusion;
  const positive = task.kind === 'binary' ? positiveIndex(classes, task) : undefined;
  const scored = measureScores(counts, { task, classes, positive }, rows);
  const least = rarest(confusion);
  return {
    labelled: table.n,
    standsFor: table.n,
    metrics: { ...measureLabels(table, classes, positive), ...scored.metrics },
    perClass: classes.slice(0, maxPerClass).map((name, index) => ({
      class: name,
      actual: table.actual[index] ?? 0,
      predicted: table.predicted[index] ?? 0,
      metrics: { ...measureOfClass(table, index), ...scored.perClass[index] },
    })),
    confusion: table.n === 0 || classes.length > maxMatrixClasses ? null : { classes, counts: confusionMatrix(confusion) },
    reliability: scored.reliability,
    leastOfClass: least?.count ?? 0,
    leastClass: least?.name,
  };
}

function cellsOf(counts: QualityCounts): ConfusionCell[] {
  return Object.entries(counts.cells).flatMap(([label, bins]) =>
    Object.entries(bins).map(([predicted, count]) => ({
      label: classKey.parse(label),
      predicted: predicted === '' ? null : classKey.parse(predicted),
      count,
    })),
  );
}

function positiveIndex(classes: readonly string[], task: Task): number {
  const named = classes.indexOf(positiveClassOf(task) ?? '');
  return named >= 0 ? named : Math.min(1, classes.length - 1);
}

function rarest({ classes, table }: ConfusionCounts): { name: string; count: number } | undefined {
  let found: { name: string; count: number } | undefined;
  classes.forEach((name, index) => {
    const count = table.actual[index] ?? 0;
    if (found === undefined || count < found.count) found = { name, count };
  });
  return found;
}
