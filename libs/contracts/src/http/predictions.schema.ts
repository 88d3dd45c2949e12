import { z } from 'zod';
import { plainText } from '../text.js';
import { Instant, PageQuery, pageOf } from './paging.schema.js';

/** Classes whose scores are all recorded; of more only the highest ones are. */
export const recordedScoresMax = 16;
/** Highest scores that are recorded where there are more classes than that. */
export const recordedTopMax = 5;
/** Values of one further output that are recorded, and all of them together; larger outputs are not recorded. */
export const recordedOutputValuesMax = 16;

const Value = z.union([z.string(), z.number(), z.boolean()]).nullable();
/** What a record tells of a row's outputs besides the prediction and its score. */
export const RecordedOutputs = z.object({
  /** Scores in the order of the classes; for up to `recordedScoresMax` of them. */
  scores: z.array(z.number().nullable()).optional(),
  /** The highest scores with their classes. */
  top: z.array(z.tuple([z.union([z.string(), z.number()]), z.number()])).optional(),
  /** Small outputs that the task does not name. */
  others: z.record(z.string(), z.array(Value)).optional(),
});
export type RecordedOutputs = z.infer<typeof RecordedOutputs>;

/** Values of one row's inputs that are recorded at most; a larger input is told as `omitted`. */
export const recordedInputValuesMax = 256;
/**
 * One value of a row's inputs; `name` is the input's, or `name[i]` where a row has several values in it. `keep`: as it was; `hash`: a keyed hash, equal
 * for equal values of one input; `mask`: that there was one; `omitted`: too large to be recorded. What is dropped is not listed.
 */
export const RecordedInput = z.object({ name: z.string(), how: z.enum(['keep', 'hash', 'mask', 'omitted']), value: Value });
export type RecordedInput = z.infer<typeof RecordedInput>;

export const PredictionView = z.object({
  id: z.string(),
  row: z.number().int(),
  at: Instant,
  deployment: z.string(),
  model: z.string(),
  version: z.number().int(),
  revision: z.number().int(),
  digest: z.string(),
  clientId: z.string().nullable(),
  predicted: z.union([z.string(), z.number()]).nullable(),
  score: z.number().nullable(),
  /** Waiting in the instance; null for records of before it was kept. */
  queueMicros: z.number().nullable(),
  computeMicros: z.number(),
  /** The share of predictions that were recorded when this one was: it stands for 1 / probability of them. */
  probability: z.number(),
  slices: z.record(z.string(), z.string()).nullable(),
  joinKey: z.string().nullable(),
  outputs: RecordedOutputs.nullable(),
  /** Null where the deployment keeps none, and for who may neither develop nor deploy. */
  inputs: z.array(RecordedInput).nullable(),
  label: z.union([z.string(), z.number()]).nullable(),
  labelledAt: Instant.nullable(),
});
export type PredictionView = z.infer<typeof PredictionView>;
export const PredictionRows = z.object({ items: z.array(PredictionView) });

/** Records of a deployment, newest first. Absent times: the newest up to now. */
export const PredictionListQuery = PageQuery.extend({
  from: Instant.optional(),
  to: Instant.optional(),
  version: z.coerce.number().int().min(1).max(2_147_483_647).optional(),
  /** `name=value` of one of the revision's slices. */
  slice: plainText(600)
    .regex(/^[^=]+=/, 'expected name=value')
    .optional(),
  /** `none`: not labelled; `any`: labelled; `wrong`: labelled with something else than was predicted. */
  label: z.enum(['none', 'any', 'wrong']).optional(),
});
export type PredictionListQuery = z.infer<typeof PredictionListQuery>;
/** A page may hold fewer than asked for, or none, and still name a next one: so many records are looked through at a time. */
export const PredictionPage = pageOf(PredictionView);

/** Asked by a host that runs instances of a deployment whose records keep inputs. */
export const AskRecordKeys = z.strictObject({ deploymentId: z.string().min(1).max(128) });
export type AskRecordKeys = z.infer<typeof AskRecordKeys>;
/** In base64: one hashes values, the same in all deployments of the project; the other encrypts what is kept. */
export const RecordKeys = z.object({ redactionKey: z.string(), sealingKey: z.string() });
export type RecordKeys = z.infer<typeof RecordKeys>;
