import { z } from 'zod';
import { isEvaluationMetric } from '../evaluation-metrics.js';
import { limits } from '../limits.js';
import { ResourceName } from '../names.js';
import { Task } from '../tensors.schema.js';
import { plainText } from '../text.js';
import { delimiters, tableFormats } from './batch-predictions.schema.js';
import { Judgement } from './monitoring.schema.js';
import { Instant, PageQuery, pageOf } from './paging.schema.js';

const Ordinal = z.number().int().min(1).max(2_147_483_647);
const ColumnName = plainText(limits.columnNameLength).min(1);
const distinct = (names: readonly string[]) => new Set(names).size === names.length;

/** Beside the file of a labelled set: the fields of a form, or the query. `digest` is checked when it is said. */
export const DatasetFields = z.strictObject({
  name: ResourceName,
  description: plainText(limits.descriptionLength).default(''),
  /** The column with the true class or value. */
  labelColumn: ColumnName,
  /** A column that names the rows, for showing them. */
  idColumn: ColumnName.optional(),
  /** The columns that make up the one input of the model, in its order; without them, columns named like the inputs, or all others in file order. */
  columns: z.array(ColumnName).min(1).max(limits.batchColumns).refine(distinct, 'expected each column once').optional(),
  format: z.enum(tableFormats).optional(),
  /** CSV: whether the first line names the columns. */
  header: z.boolean().default(true),
  /** CSV: recognised in the first line when it is not said. */
  delimiter: z.enum(delimiters).optional(),
  /** Every new version is evaluated on it, and those that aliases or deployments refer to. */
  automatic: z.boolean().default(true),
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits (SHA-256)')
    .optional(),
});
export type DatasetFields = z.infer<typeof DatasetFields>;

/** How the rows of a labelled set are read. */
export const DatasetOptions = z.object({
  labelColumn: z.string(),
  idColumn: z.string().optional(),
  columns: z.array(z.string()).optional(),
  header: z.boolean(),
  delimiter: z.enum(delimiters).optional(),
});
export type DatasetOptions = z.infer<typeof DatasetOptions>;

/** What the labels are: numbers of many values, or classes. */
export const LabelSummary = z.object({
  rows: z.number().int(),
  /** Rows without a label. */
  missing: z.number().int(),
  /** Every label is a number. */
  numeric: z.boolean(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  /** Distinct values with their counts, the most frequent first; null when there are more than are listed. */
  classes: z.array(z.object({ label: z.string(), count: z.number().int() })).nullable(),
});
export type LabelSummary = z.infer<typeof LabelSummary>;

export const DatasetView = z.object({
  id: z.string(),
  model: z.string(),
  name: z.string(),
  description: z.string(),
  digest: z.string(),
  sizeBytes: z.number().int(),
  fileName: z.string().nullable(),
  format: z.enum(tableFormats),
  options: DatasetOptions,
  automatic: z.boolean(),
  labels: LabelSummary,
  createdAt: Instant,
  createdBy: z.string(),
});
export type DatasetView = z.infer<typeof DatasetView>;
export const DatasetPage = pageOf(DatasetView);
/** The rows never change; a changed file is another set. */
export const ChangeDataset = z.strictObject({ automatic: z.boolean().optional(), description: plainText(limits.descriptionLength).optional() });
export type ChangeDataset = z.infer<typeof ChangeDataset>;

/** A metric as measured. `insufficient`: there is a value, but of too few rows to be judged by. `undefined`: there is none, and why. */
export const Measure = z.object({
  value: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
  /** Rows it was measured over. */
  n: z.number().int(),
  status: z.enum(['ok', 'insufficient', 'undefined']),
  reason: z.string().nullable(),
});
export type Measure = z.infer<typeof Measure>;

export const ClassMeasures = z.object({
  class: z.string(),
  /** Rows that truly are of it, and rows for which it was predicted. */
  actual: z.number().int(),
  predicted: z.number().int(),
  precision: Measure,
  recall: Measure,
  f1: Measure,
  /** This class against all others; absent without scores. */
  rocAuc: Measure.optional(),
  prAuc: Measure.optional(),
});
export type ClassMeasures = z.infer<typeof ClassMeasures>;

export const ReliabilityBins = z.array(
  z.object({ low: z.number(), high: z.number(), n: z.number().int(), meanScore: z.number(), observedShare: z.number() }),
);

/** What an evaluation found. */
export const EvaluationResult = z.object({
  kind: z.enum(['binary', 'multiclass', 'regression']),
  /** By name (see `classificationMetrics`, `regressionMetrics`). */
  metrics: z.record(z.string(), Measure),
  classes: z.array(z.string()),
  positiveClass: z.string().nullable(),
  perClass: z.array(ClassMeasures),
  /** Cells that are not empty, by place of the class; `predicted` is null where the answer was no class. */
  confusion: z.array(z.object({ actual: z.number().int(), predicted: z.number().int().nullable(), count: z.number().int() })),
  /** Of the positive class (binary) or of the predicted class (multiclass); null without probabilities. */
  calibration: z.object({ of: z.enum(['positive', 'predicted']), equalMass: ReliabilityBins, equalWidth: ReliabilityBins }).nullable(),
});
export type EvaluationResult = z.infer<typeof EvaluationResult>;

export const evaluationStatuses = ['QUEUED', 'RUNNING', 'COMPLETED', 'FAILED'] as const;
export type EvaluationStatus = (typeof evaluationStatuses)[number];

export const CreateEvaluation = z
  .strictObject({ version: Ordinal.optional(), alias: ResourceName.optional(), dataset: ResourceName })
  .refine(({ version, alias }) => (version === undefined) !== (alias === undefined), 'expected exactly one of "version" and "alias"');
export type CreateEvaluation = z.infer<typeof CreateEvaluation>;

const evaluationHead = {
  id: z.string(),
  model: z.string(),
  version: z.number().int(),
  dataset: z.string(),
  datasetDigest: z.string(),
  status: z.enum(evaluationStatuses),
  /** Why it failed, or was not begun; null otherwise. */
  reason: z.string().nullable(),
  /** The task it was judged by. */
  task: Task.nullable(),
  /** `read`: of the set; `labelled`: with a label, which are those that count; `answered`: with a prediction among these. */
  rows: z.object({ read: z.number().int(), labelled: z.number().int(), answered: z.number().int() }).nullable(),
  /** Why rows have no prediction, the first few. */
  rowErrors: z.array(z.object({ row: z.number().int(), message: z.string() })),
  attempts: z.number().int(),
  /** Time of the model's runs alone, in ms per row. */
  runMsPerRow: z.number().nullable(),
  createdAt: Instant,
  createdBy: z.string(),
  startedAt: Instant.nullable(),
  finishedAt: Instant.nullable(),
};
export const EvaluationView = z.object({ ...evaluationHead, result: EvaluationResult.nullable() });
export type EvaluationView = z.infer<typeof EvaluationView>;
/** In lists: the metrics without what belongs to single classes. */
export const EvaluationItem = z.object({ ...evaluationHead, metrics: z.record(z.string(), Measure).nullable() });
export type EvaluationItem = z.infer<typeof EvaluationItem>;
export const EvaluationPage = pageOf(EvaluationItem);
export const EvaluationQuery = PageQuery.extend({
  version: z.coerce.number().int().min(1).max(2_147_483_647).optional(),
  dataset: ResourceName.optional(),
  status: z.enum(evaluationStatuses).optional(),
});
export type EvaluationQuery = z.infer<typeof EvaluationQuery>;

export const gateComparisons = ['at_least', 'at_most', 'not_below_champion'] as const;
/** What a version must show before it is deployed or gets an alias. */
export const Gate = z
  .strictObject({
    dataset: ResourceName,
    metric: plainText(256).refine(
      isEvaluationMetric,
      'expected a metric (see "metrics" of an evaluation), or one of a class, for example "recall:malignant"',
    ),
    comparison: z.enum(gateComparisons),
    /** For `at_least` and `at_most`. */
    value: z.number().optional(),
    /** For `not_below_champion`: how much worse than the champion is still good enough. */
    tolerance: z.number().min(0).default(0),
    /** Names the champion; moving this alias is what a gate that applies to `alias` guards. */
    alias: ResourceName.default('champion'),
    appliesTo: z
      .array(z.enum(['deploy', 'alias']))
      .min(1)
      .max(2)
      .default(['deploy', 'alias']),
  })
  .check(({ value: gate, issues }) => {
    const say = (message: string, path: string[]) => issues.push({ code: 'custom', message, path, input: gate });
    if (gate.comparison === 'not_below_champion' && gate.value !== undefined) say('a comparison with the champion takes a "tolerance"', ['value']);
    if (gate.comparison !== 'not_below_champion' && gate.value === undefined) say(`"${gate.comparison}" needs a "value"`, ['value']);
    if (gate.comparison === 'not_below_champion' && gate.metric === 'bias') say('the bias is best at 0, so neither side of it is better', ['metric']);
  });
export type Gate = z.infer<typeof Gate>;
export const SetGates = z.strictObject({ gates: z.array(Gate).max(limits.gatesPerModel), reason: plainText(limits.reasonLength).optional() });
export type SetGates = z.infer<typeof SetGates>;
export const GatesView = z.object({ model: z.string(), gates: z.array(Gate), updatedAt: Instant.nullable(), updatedBy: z.string().nullable() });
export type GatesView = z.infer<typeof GatesView>;

/** One gate, judged for a version. `met` is the verdict `ok`. */
export const GateVerdict = z.object({ gate: Gate, met: z.boolean(), judgement: Judgement });
export type GateVerdict = z.infer<typeof GateVerdict>;
export const GateVerdicts = z.object({ model: z.string(), version: z.number().int(), met: z.boolean(), verdicts: z.array(GateVerdict) });
export type GateVerdicts = z.infer<typeof GateVerdicts>;

/** Two to four versions, the first being what the others are compared with. */
export const CompareQuery = z.strictObject({
  versions: z
    .string()
    .regex(/^[1-9]\d{0,9}(,[1-9]\d{0,9}){1,3}$/, 'expected two to four version numbers with commas between them, for example 1,2,3')
    .transform((text) => text.split(',').map(Number))
    .refine((numbers) => new Set(numbers).size === numbers.length, 'expected each version once'),
  dataset: ResourceName,
});
export type CompareQuery = z.infer<typeof CompareQuery>;

export const MetricDifference = z.object({
  version: z.number().int(),
  metric: z.string(),
  /** This version's value less the first one's, on the rows that both answered. */
  difference: z.number(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
  /** Two-sided, of "no difference". */
  p: z.number(),
  test: z.enum(['mcnemar-exact', 'paired-bootstrap']),
  /** p below 5 %, after Holm's correction over the versions compared. */
  significant: z.boolean(),
  n: z.number().int(),
  better: z.enum(['first', 'this']).nullable(),
});
export type MetricDifference = z.infer<typeof MetricDifference>;

export const Disagreement = z.object({
  /** Rows that all of them were asked. */
  n: z.number().int(),
  /** `flip-share`: share of rows with different answers. `mean-distance`: mean |difference|, in the unit of the label. */
  unit: z.enum(['flip-share', 'mean-distance']),
  /** In the order of the versions; null where no row was answered by both. */
  matrix: z.array(z.array(z.number().nullable())),
  /** Rows they disagree on, the most different first. */
  rows: z.array(
    z.object({
      row: z.number().int(),
      id: z.union([z.string(), z.number()]).nullable(),
      truth: z.union([z.string(), z.number()]),
      predictions: z.array(z.union([z.string(), z.number()]).nullable()),
    }),
  ),
});
export type Disagreement = z.infer<typeof Disagreement>;

export const VersionComparison = z.object({
  model: z.string(),
  dataset: z.string(),
  versions: z.array(
    z.object({
      version: z.number().int(),
      evaluation: z.string(),
      metrics: z.record(z.string(), Measure),
      sizeBytes: z.number().int(),
      loadMs: z.number().nullable(),
      runMs: z.number().nullable(),
      rssBytes: z.number().nullable(),
      /** Time of the model's runs while it was evaluated. */
      runMsPerRow: z.number().nullable(),
    }),
  ),
  differences: z.array(MetricDifference),
  disagreement: Disagreement,
});
export type VersionComparison = z.infer<typeof VersionComparison>;
