import { z } from 'zod';
import { limits } from '../limits.js';
import { plainText } from '../text.js';

/** The query of every list. */
export const PageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(limits.pageSizeMax).default(limits.pageSizeDefault),
  cursor: z.string().max(512).optional(),
});
export type PageQuery = z.infer<typeof PageQuery>;

/** The answer of every list; `nextCursor` is absent on the last page. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().optional() });
}
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string;
}

/** ISO 8601 UTC; the database's calendar has no year 0. */
export const Instant = z.iso.datetime().refine((text) => !text.startsWith('0000-'), 'expected a year from 0001 to 9999');

/** A problem document (RFC 9457) with Slipway's code. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string(),
  requestId: z.string(),
  errors: z.array(z.object({ path: z.string(), message: z.string() })),
});
export type Problem = z.infer<typeof Problem>;

/** The window of a chart. Times are ISO 8601; `step` is in seconds. Absent: the last hour in about 120 steps. */
export const SeriesQuery = z.strictObject({
  from: Instant.optional(),
  to: Instant.optional(),
  step: z.coerce.number().int().min(5).max(86_400).optional(),
  version: z.coerce.number().int().min(1).max(2_147_483_647).optional(),
  /** `name=value` of one of the revision's slices. */
  slice: plainText(600)
    .regex(/^[^=]+=/, 'expected name=value')
    .optional(),
  format: z.enum(['json', 'csv']).default('json'),
});
export type SeriesQuery = z.infer<typeof SeriesQuery>;

const untold = 'these figures are not told apart by slices, quality alone is; leave it out';
/** The window of figures that slices do not tell apart: asking for one is refused rather than answered with all. */
export const WholeSeriesQuery = SeriesQuery.extend({
  slice: z
    .string()
    .refine(() => false, untold)
    .optional(),
});
export type WholeSeriesQuery = z.infer<typeof WholeSeriesQuery>;
