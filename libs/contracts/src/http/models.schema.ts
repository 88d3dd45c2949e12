import { z } from 'zod';
import { limits } from '../limits.js';
import { ResourceName } from '../names.js';
import { versionStatuses } from '../statuses.js';
import { Signature, Task } from '../tensors.schema.js';
import { plainText } from '../text.js';
import { Instant, PageQuery, pageOf } from './paging.schema.js';
import { NoiseReference } from './profiles.schema.js';

const Tags = z.record(ResourceName, plainText(256)).refine((tags) => Object.keys(tags).length <= 64, 'at most 64 tags');
const Description = plainText(limits.descriptionLength);
/** Markdown; at most 64 KiB of UTF-8. */
const Card = plainText(limits.cardBytes).refine(
  (card) => new TextEncoder().encode(card).length <= limits.cardBytes,
  `at most ${limits.cardBytes} bytes of UTF-8`,
);

const ProvenanceValue = z.union([plainText(4096), z.number(), z.boolean()]);
const ProvenanceValues = z.record(plainText(128), ProvenanceValue);
/** Where a version comes from, as its uploader states it. The fields below mean something to Slipway; others are kept as they are. */
export const Provenance = z
  .object({
    /** What it was trained with: "scikit-learn 1.5.2". */
    framework: plainText(256).optional().meta({ description: 'What it was trained with, for example "scikit-learn 1.5.2".' }),
    producer: plainText(256).optional().meta({ description: 'The program or pipeline that wrote the file.' }),
    gitCommit: plainText(128).optional().meta({ description: 'The commit of the training code.' }),
    trainingRun: plainText(2048).optional().meta({ description: 'Name or address of the training run.' }),
    parameters: ProvenanceValues.optional().meta({ description: 'Hyperparameters by name.' }),
    metrics: z.record(plainText(128), z.number()).optional().meta({ description: 'What training measured, by name.' }),
    tags: z.array(plainText(256)).max(64).optional().meta({ description: 'Free words.' }),
    derivedFrom: z.number().int().min(1).max(2_147_483_647).optional().meta({
      description:
        'The version of the same model of which this is the same training in another form (quantised, another opset). Rollouts then expect the same answers.',
    }),
  })
  .catchall(z.union([ProvenanceValue, ProvenanceValues]))
  .refine((provenance) => JSON.stringify(provenance).length <= 65_536, 'at most 65536 characters of JSON');
export type Provenance = z.infer<typeof Provenance>;

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

const Search = plainText(128).min(1);
/** `key` for any value of a tag, `key:value` for that one. */
const TagFilter = plainText(limits.nameLength + 1 + 256)
  .min(1)
  .refine((text) => ResourceName.safeParse(text.split(':', 1)[0]).success, 'expected a tag as key or key:value');
export const ModelListQuery = z.strictObject({
  ...PageQuery.shape,
  /** A part of the name or the description, whatever its case. */
  search: Search.optional(),
  tag: TagFilter.optional(),
  /** `-` is downwards. */
  sort: z.enum(['name', '-name', 'createdAt', '-createdAt']).default('name'),
});
export type ModelListQuery = z.infer<typeof ModelListQuery>;

/** Provenance as it is shown; rows from before a field meant something may hold it in another shape. */
const StatedProvenance = z.looseObject({ derivedFrom: z.number().int().optional() });

/** What a model needs, measured while validating it on the host that did so. */
export const VersionFootprint = z.object({
  loadMs: z.number(),
  /** One run on the smallest inputs; null when it failed. */
  runMs: z.number().nullable(),
  /** Resident memory of a process that holds the model, after that run. */
  rssBytes: z.number(),
  /** Median time of a run by its number of rows; one entry where rows cannot be joined, none where no run came to an end. */
  latencies: z.array(z.object({ rows: z.number().int(), medianMs: z.number() })).optional(),
  /** How far answers to the same generated input lay apart; a model that draws random numbers shows here. */
  noise: NoiseReference.optional(),
});
export type VersionFootprint = z.infer<typeof VersionFootprint>;

export const VersionView = z.object({
  id: z.string(),
  model: z.string(),
  version: z.number().int(),
  status: z.enum(versionStatuses),
  reasons: z.array(z.string()),
  /** SHA-256 of the model file; of the manifest that names all files when it keeps weights in other files. */
  digest: z.string(),
  /** Of all files together. */
  sizeBytes: z.number().int(),
  fileName: z.string().nullable(),
  description: z.string(),
  tags: z.record(z.string(), z.string()),
  provenance: StatedProvenance,
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
  footprint: VersionFootprint.nullable(),
  /** Rows given together get the same answers as given one by one, as tried while validating; null when it could not be tried. */
  rowsIndependent: z.boolean().nullable(),
  createdAt: Instant,
  createdBy: z.string(),
  validatedAt: Instant.nullable(),
  /** Since then it is hidden from lists and neither deployed nor aliased. */
  archivedAt: Instant.nullable(),
  archivedBy: z.string().nullable(),
});
export type VersionView = z.infer<typeof VersionView>;
export const VersionPage = pageOf(VersionView);

/** One version with its model card. */
export const VersionDetail = VersionView.extend({ card: z.string() });
export type VersionDetail = z.infer<typeof VersionDetail>;

export const VersionListQuery = z.strictObject({
  ...PageQuery.shape,
  /** A part of the description or the file's name, whatever its case. */
  search: Search.optional(),
  tag: TagFilter.optional(),
  status: z.enum(versionStatuses).optional(),
  /** `true`: archived versions as well. */
  archived: z
    .enum(['true', 'false'])
    .default('false')
    .transform((text) => text === 'true'),
  sort: z.enum(['version', '-version', 'createdAt', '-createdAt']).default('-version'),
});
export type VersionListQuery = z.infer<typeof VersionListQuery>;

export const VersionFileView = z.object({ name: z.string(), sizeBytes: z.number().int(), digest: z.string() });
export type VersionFileView = z.infer<typeof VersionFileView>;

/** Archive and unarchive. */
export const ArchiveVersion = z.strictObject({ reason: plainText(limits.reasonLength).optional() });
export type ArchiveVersion = z.infer<typeof ArchiveVersion>;

export const CompatibilityQuery = z.strictObject({
  /** A version's number, an alias, or a deployment of the model (its serving version); `alias:` or `deployment:` in front says which. */
  with: z.string().regex(/^(?:alias:|deployment:)?[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'expected the number of a version, an alias or a deployment'),
});
export type CompatibilityQuery = z.infer<typeof CompatibilityQuery>;
/** How a version stands to another one whose callers it would get. */
export const CompatibilityView = z.object({
  model: z.string(),
  version: z.number().int(),
  with: z.object({ version: z.number().int(), alias: z.string().optional(), deployment: z.string().optional() }),
  kind: z.enum(['same', 'compatible', 'breaking']),
  /** A sentence per difference, breaking ones first. */
  differences: z.array(z.string()),
});
export type CompatibilityView = z.infer<typeof CompatibilityView>;

/** Fields of a multipart upload beside the file; also the query of a raw upload. */
export const VersionFields = z.strictObject({
  description: Description.optional(),
  card: Card.optional(),
  tags: Tags.optional(),
  provenance: Provenance.optional(),
  task: Task.optional(),
  /** SHA-256 of the model file in hex, when the sender wants it checked. */
  digest: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'expected 64 lower-case hexadecimal digits (SHA-256)')
    .optional(),
});
export type VersionFields = z.infer<typeof VersionFields>;
export const VersionCreated = z.object({ model: z.string(), version: z.number().int(), status: z.enum(versionStatuses), digest: z.string() });
export type VersionCreated = z.infer<typeof VersionCreated>;
export const ChangeVersion = z.strictObject({
  description: Description.optional(),
  card: Card.optional(),
  tags: Tags.optional(),
  task: Task.optional(),
});
export type ChangeVersion = z.infer<typeof ChangeVersion>;
export const SetAlias = z.strictObject({
  version: z.number().int().min(1),
  /** Moves the alias although gates of the model's evaluations are not met; the word is kept in the event. */
  overrideGates: z.boolean().optional(),
  reason: plainText(limits.reasonLength).optional(),
});
export type SetAlias = z.infer<typeof SetAlias>;
