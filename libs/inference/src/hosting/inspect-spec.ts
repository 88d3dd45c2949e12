import { Signature, Task, VersionFootprint } from '@slipway/contracts';
import { z } from 'zod';

/** What the validation child is told: a JSON file whose path is its only argument. */
export const InspectSpec = z.object({ modelPath: z.string(), digest: z.string(), intraOpThreads: z.number().int().min(1) });
export type InspectSpec = z.infer<typeof InspectSpec>;

/** What loading and running cost, measured in the validation child. */
export const Footprint = VersionFootprint;
export type Footprint = VersionFootprint;

/** The child's report on a model it could load, or why it could not. */
export const InspectResult = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    signature: Signature,
    task: Task,
    footprint: Footprint,
    /** Whether rows given together got the same answers as given one by one; absent when it could not be tried. */
    rowsIndependent: z.boolean().optional(),
    notes: z.array(z.string()),
  }),
  z.object({ ok: z.literal(false), reasons: z.array(z.string()).min(1) }),
]);
export type InspectResult = z.infer<typeof InspectResult>;

/** A line the child writes when it has loaded the model, so that its parent can tell a load from a run that does not end. */
export const InspectPhase = z.object({ phase: z.literal('loaded') });
