import { ProfileLayout, Signature, Task } from '@slipway/contracts';
import { z } from 'zod';

/** What the model's process is told: a JSON file whose path is its only argument. */
export const RunSpec = z.object({
  modelPath: z.string(),
  digest: z.string(),
  signature: Signature,
  task: Task,
  intraOpThreads: z.number().int().min(1),
  /** The values of these columns are told along with every answer, inputs and outputs alike. */
  layout: ProfileLayout.optional(),
});
export type RunSpec = z.infer<typeof RunSpec>;

/** The head of a request to it: bytes of the JSON part of the body, how many rows it has, and whether they are run as they are. */
export const RunRequest = z.object({
  headerBytes: z.number().int().min(0),
  rows: z.number().int().min(1),
  /** Numeric inputs are moved a little before the run, by how far they usually spread (see `disturb-inputs.ts`). */
  disturb: z.record(z.string(), z.array(z.number().nullable())).optional(),
});
export type RunRequest = z.infer<typeof RunRequest>;
