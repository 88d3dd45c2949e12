import { z } from 'zod';
import { limits } from '../limits.js';
import { ResourceName } from '../names.js';
import { versionStatuses } from '../statuses.js';
import { Signature, Task } from '../tensors.schema.js';
import { plainText } from '../text.js';
import { Instant, pageOf } from './paging.schema.js';

const Tags = z.record(ResourceName, plainText(256)).refine((tags) => Object.keys(tags).length <= 64, 'at most 64 tags');
const Description = plainText(limits.descriptionLength);
const ProvenanceValue = z.union([plainText(4096), z.number(), z.boolean()]);
/** Free provenance: framework, gitCommit, trainingRun, parameters, metrics. */
export const Provenance = z
  .record(plainText(128), z.union([ProvenanceValue, z.record(plainText(128), ProvenanceValue)]))
  .refine((provenance) => JSON.stringify(provenance).length <= 65_536, 'at most 65536 characters of JSON');

export const CreateModel = z.strictObject({ name: ResourceName, description: Description.default(''), tags: Tags.default({}) });
export type CreateModel = z.infer<typeof CreateModel>;
export const ChangeModel = z.strictObject({ description: Description.optional(), tags: Tags.optional() });
export type ChangeModel = z.infer<typeof ChangeModel>;

export const AliasView = z.object({ name: z.string(), version: z.number().int(), updatedAt: Instant, updatedBy: z.string() });
export const ModelView = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  tags: z.record(z.string(), z.string()),
  createdAt: Instant,
  versionCount: z.number().int(),
  latestVersion: z.number().int().nullable(),
  aliases: z.array(AliasView),
});
export type ModelView = z.infer<typeof ModelView>;
export const ModelPage = pageOf(ModelView);

export const VersionView = z.object({
  id: z.string(),
  model: z.string(),
  version: z.number().int(),
  status: z.enum(versionStatuses),
  reasons: z.array(z.string()),
  digest: z.string(),
  sizeBytes: z.number().int(),
  fileName: z.string().nullable(),
  description: z.string(),
  tags: z.record(z.string(), z.string()),
  provenance: z.record(z.string(), z.unknown()),
  signature: Signature.nullable(),
  task: Task.nullable(),
  metadata: z
    .object({
      irVersion: z.number().nullable(),
      producer: z.string().nullable(),
      producerVersion: z.string().nullable(),
      opsets: z.record(z.string(), z.number()),
      docString: z.string().nullable(),
      properties: z.record(z.string(), z.string()),
      nodeCount: z.number().nullable(),
      operators: z.record(z.string(), z.number()),
    })
    .nullable(),
  footprint: z.object({ loadMs: z.number(), runMs: z.number().nullable(), rssBytes: z.number() }).nullable(),
  /** Rows given together get the same answers as given one by one, as tried while validating; null when it could not be tried. */
  rowsIndependent: z.boolean().nullable(),
  createdAt: Instant,
  createdBy: z.string(),
  validatedAt: Instant.nullable(),
});
export type VersionView = z.infer<typeof VersionView>;
export const VersionPage = pageOf(VersionView);

/** Fields of a multipart upload beside the file; also the query of a raw upload. */
export const VersionFields = z.strictObject({
  description: Description.optional(),
  tags: Tags.optional(),
  provenance: Provenance.optional(),
  task: Task.optional(),
  /** SHA-256 in hex, when the sender wants it checked. */
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits (SHA-256)')
    .optional(),
});
export type VersionFields = z.infer<typeof VersionFields>;
export const VersionCreated = z.object({ model: z.string(), version: z.number().int(), status: z.enum(versionStatuses), digest: z.string() });
export type VersionCreated = z.infer<typeof VersionCreated>;
export const ChangeVersion = z.strictObject({ description: Description.optional(), tags: Tags.optional(), task: Task.optional() });
export type ChangeVersion = z.infer<typeof ChangeVersion>;
export const SetAlias = z.strictObject({ version: z.number().int().min(1), reason: plainText(limits.reasonLength).optional() });
export type SetAlias = z.infer<typeof SetAlias>;
