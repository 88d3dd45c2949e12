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

/** The head of a request to it: bytes of the JSON part of the body, how many rows it has. */
export const RunRequest = z.object({
  headerBytes: z.number().int().min(0),
  rows: z.number().int().min(1),
  /** Asks not for the answer but for how far answers to the one row lie apart (see `measure-noise.ts`). */
  noise: z
    .object({
      repeats: z.number().int().min(2),
      disturbed: z.number().int().min(2),
      /** How far the inputs spread; absent where nothing can be disturbed. */
      spreads: z.record(z.string(), z.array(z.number().nullable())).optional(),
      /** Disturbs the same way each time. */
      seed: z.number().int().min(0),
    })
    .optional(),
});
export type RunRequest = z.infer<typeof RunRequest>;
