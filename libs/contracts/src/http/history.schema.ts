import { z } from 'zod';
import { limits } from '../limits.js';
import { ResourceName } from '../names.js';
import { plainText } from '../text.js';
import { EventView } from './access.schema.js';
import { Instant, PageQuery, pageOf } from './paging.schema.js';

/** A moment of the past: a time (ISO 8601 UTC), or the sequence of an event: the state right after it. */
const Moment = z.union([Instant, z.string().regex(/^\d{1,15}$/, 'expected a time (ISO 8601 UTC) or the sequence of an event')]);

/** What of a project's past can be shown. */
export const historyKinds = [
  'model',
  'version',
  'alias',
  'dataset',
  'gates',
  'deployment',
  'revision',
  'rollout',
  'shadow',
  'rollout-plan',
  'freeze-window',
  'quota',
  'receiver',
  'alert-rule',
  'key',
  'join-token',
  'watch-settings',
  'slo',
  'reference',
] as const;
export type HistoryKind = (typeof historyKinds)[number];
const Kind = z.enum(historyKinds);

/** Without `at`: as it is now. */
export const HistoryQuery = PageQuery.extend({ at: Moment.optional(), kind: Kind.optional(), name: z.string().max(300).optional() });
export type HistoryQuery = z.infer<typeof HistoryQuery>;

/** A thing as it was: `fraud`, a version `fraud/3`, an alias `fraud/champion`, a revision `fraud/7`. */
export const HistoryItem = z.object({ kind: z.string(), id: z.string(), name: z.string(), state: z.record(z.string(), z.unknown()) });
export type HistoryItem = z.infer<typeof HistoryItem>;

/** A place in the past: everything up to the event of this sequence. */
export const HistoryPlace = z.object({
  sequence: z.number().int(),
  /** When the last change up to it was made; null: nothing had happened yet. */
  at: Instant.nullable(),
  /** The last event up to it. */
  event: EventView.nullable(),
});
export type HistoryPlace = z.infer<typeof HistoryPlace>;
export const HistoryPage = pageOf(HistoryItem).extend({
  place: HistoryPlace,
  /** Every change since then is kept. */
  since: Instant,
});
export type HistoryPage = z.infer<typeof HistoryPage>;

/** Without `to`: up to now. */
export const HistoryComparisonQuery = HistoryQuery.omit({ at: true }).extend({ from: Moment, to: Moment.optional() });
export type HistoryComparisonQuery = z.infer<typeof HistoryComparisonQuery>;
/** One value that differs; `path` as in `spec.batching.maxBatchSize`. Absent on a side is null. */
export const Difference = z.object({ path: z.string(), before: z.unknown(), after: z.unknown() });
export type Difference = z.infer<typeof Difference>;
export const ChangedItem = z.object({
  kind: z.string(),
  id: z.string(),
  name: z.string(),
  change: z.enum(['added', 'changed', 'removed']),
  differences: z.array(Difference),
});
export type ChangedItem = z.infer<typeof ChangedItem>;
export const HistoryComparison = pageOf(ChangedItem).extend({ from: HistoryPlace, to: HistoryPlace });
export type HistoryComparison = z.infer<typeof HistoryComparison>;

/** Puts one thing back to what it was: a new change with its own event, nothing is undone. */
export const RestoreHistory = z.strictObject({
  at: Moment,
  what: z.enum(['alias', 'deployment']),
  /** An alias as `model/alias`. */
  name: z.string().min(1).max(300),
  reason: plainText(limits.reasonLength).optional(),
  /** Only says what would change. */
  dryRun: z.boolean().default(false),
});
export type RestoreHistory = z.infer<typeof RestoreHistory>;
export const HistoryRestored = z.object({
  what: z.enum(['alias', 'deployment']),
  name: z.string(),
  place: HistoryPlace,
  /** Whether it was done; false on a dry run, when nothing differs, and when it is refused. */
  done: z.boolean(),
  differences: z.array(Difference),
  /** Why it cannot be done, in sentences; empty when it can. Only a dry run answers with these, otherwise they are the refusal. */
  refusals: z.array(z.string()),
});
export type HistoryRestored = z.infer<typeof HistoryRestored>;

/** Without `from`: since the deployment began; without `to`: until now. */
export const ServedQuery = PageQuery.extend({ from: Instant.optional(), to: Instant.optional() });
export type ServedQuery = z.infer<typeof ServedQuery>;
/** What took a share of a deployment's traffic from one moment to the next. */
export const ServedSpan = z.object({
  from: Instant,
  /** null: still. */
  to: Instant.nullable(),
  deploymentId: z.string(),
  revision: z.number().int(),
  model: z.string(),
  version: z.number().int(),
  digest: z.string(),
  fileName: z.string().nullable(),
  weightPercent: z.number(),
  /** The change that it began with; null when no event tells of it. */
  cause: EventView.pick({ sequence: true, at: true, actor: true, action: true, reason: true }).nullable(),
});
export type ServedSpan = z.infer<typeof ServedSpan>;
export const ServedPage = pageOf(ServedSpan);

/** A file that answered, or may have answered, a prediction. */
export const PredictionSource = z.object({
  deployment: z.string(),
  model: z.string(),
  version: z.number().int(),
  revision: z.number().int(),
  /** SHA-256 of the model file, hex. */
  digest: z.string(),
  fileName: z.string().nullable(),
  sizeBytes: z.number().nullable(),
  /** Share of the deployment's traffic at that moment; null when not known. */
  weightPercent: z.number().nullable(),
  deployedBy: z.string(),
  deployedAt: Instant,
  reason: z.string().nullable(),
});
export type PredictionSource = z.infer<typeof PredictionSource>;
export const PredictionOrigin = z.object({
  id: z.string(),
  /** The time in the id. */
  at: Instant,
  /** `recorded`: the answer's own record says so. `derived`: no record is kept; these took traffic at that time, if the id is of this project. */
  basis: z.enum(['recorded', 'derived']),
  sources: z.array(PredictionSource),
});
export type PredictionOrigin = z.infer<typeof PredictionOrigin>;
/** Narrows a derived origin to one deployment. */
export const PredictionOriginQuery = z.strictObject({ deployment: ResourceName.optional() });
export type PredictionOriginQuery = z.infer<typeof PredictionOriginQuery>;

/** Which events; times count the event's own. */
export const EventQuery = PageQuery.extend({
  subjectKind: z.string().max(64).optional(),
  subjectName: z.string().max(256).optional(),
  subjectId: z.string().max(256).optional(),
  actor: z.string().max(256).optional(),
  /** `deployment.rolled_back`, or `deployment.*` for all of a noun. */
  action: z
    .string()
    .max(128)
    .regex(/^[a-z][a-z_-]*(\.([a-z][a-z_-]*|\*))?$/, 'expected an action as in "deployment.rolled_back" or "deployment.*"')
    .optional(),
  /** From then on, and before then. */
  from: Instant.optional(),
  to: Instant.optional(),
});
export type EventQuery = z.infer<typeof EventQuery>;
export const EventExportQuery = EventQuery.omit({ limit: true, cursor: true }).extend({ format: z.enum(['ndjson', 'csv']).default('ndjson') });
export type EventExportQuery = z.infer<typeof EventExportQuery>;
