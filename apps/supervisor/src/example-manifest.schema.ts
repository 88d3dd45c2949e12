import { ResourceName, Task } from '@slipway/contracts';
import { z } from 'zod';

/** `examples/manifest.json`, written by the examples' own script; paths are relative to it. Numbers of versions count from 1 in its list. */
export const ExampleManifest = z.object({
  examples: z.array(
    z.object({
      model: ResourceName,
      description: z.string(),
      task: Task,
      versions: z.array(
        z.object({
          file: z.string(),
          description: z.string(),
          tags: z.record(z.string(), z.string()).default({}),
          provenance: z.record(z.string(), z.unknown()).default({}),
        }),
      ),
      aliases: z.record(z.string(), z.number().int()).default({}),
      deployment: z.object({ name: ResourceName, revisions: z.array(z.number().int()).min(1), replicas: z.number().int().default(1) }),
      request: z.string(),
    }),
  ),
});
export type ExampleManifest = z.infer<typeof ExampleManifest>;
export type Example = ExampleManifest['examples'][number];
