import { delimiters, TensorSignature, tableFormats } from '@slipway/contracts';
import { z } from 'zod';

/** What the reader's process is told, as JSON on its standard input. */
export const ReaderSpec = z.object({
  path: z.string(),
  format: z.enum(tableFormats),
  header: z.boolean(),
  delimiter: z.enum(delimiters).optional(),
  model: z.object({ inputs: z.array(TensorSignature), hasRows: z.boolean(), featureNames: z.array(z.string()).optional() }),
  columns: z.array(z.string()).optional(),
  idColumns: z.array(z.string()),
  /** Behind what an earlier reading gave. */
  from: z.object({ row: z.number().int().min(0), offset: z.number().int().min(0).optional() }).optional(),
  /** Absent: nothing but the columns is read, and whether they fit the model. */
  blocks: z.object({ rows: z.number().int().min(1), bytes: z.number().int().min(1) }).optional(),
  maxRows: z.number().int().min(1),
  memoryBytes: z.number().int().min(1),
});
export type ReaderSpec = z.infer<typeof ReaderSpec>;
