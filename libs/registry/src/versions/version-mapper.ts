import {
  invariant,
  Signature,
  Task,
  type VersionDetail,
  VersionFootprint,
  type VersionStatus,
  type VersionView,
  versionStatuses,
} from '@slipway/contracts';
import { z } from 'zod';

const Metadata = z.object({
  irVersion: z.number().nullable(),
  producer: z.string().nullable(),
  producerVersion: z.string().nullable(),
  opsets: z.record(z.string(), z.number()),
  docString: z.string().nullable(),
  properties: z.record(z.string(), z.string()),
  nodeCount: z.number().nullable(),
  operators: z.record(z.string(), z.number()),
});
/** Rows from before a field was typed may hold anything under its name; only what is used is read strictly. */
const StatedProvenance = z.looseObject({ derivedFrom: z.number().int().optional().catch(undefined) });

/** A version as it lies in the database. */
export interface VersionRow {
  readonly id: string;
  readonly number: number;
  readonly status: string;
  readonly digest: string;
  readonly sizeBytes: bigint;
  readonly fileName: string | null;
  readonly description: string;
  readonly tags: unknown;
  readonly provenance: unknown;
  readonly reasons: unknown;
  readonly signature: unknown;
  readonly task: unknown;
  readonly metadata: unknown;
  readonly footprint: unknown;
  readonly rowsIndependent: boolean | null;
  readonly validatedAt: Date | null;
  readonly archivedAt: Date | null;
  readonly archivedBy: string | null;
  readonly createdBy: string;
  readonly createdAt: Date;
}

/** The view of a version; JSON columns pass their schema once, here. */
export function toVersionView(row: VersionRow, modelName: string): VersionView {
  return {
    id: row.id,
    model: modelName,
    version: row.number,
    status: toVersionStatus(row.status),
    reasons: z.array(z.string()).parse(row.reasons),
    digest: row.digest,
    sizeBytes: Number(row.sizeBytes),
    fileName: row.fileName,
    description: row.description,
    tags: toTags(row.tags),
    provenance: StatedProvenance.parse(row.provenance),
    signature: Signature.nullable().parse(row.signature),
    task: toTask(row.task) ?? null,
    metadata: Metadata.nullable().parse(row.metadata),
    footprint: VersionFootprint.nullable().parse(row.footprint),
    rowsIndependent: row.rowsIndependent,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    validatedAt: row.validatedAt?.toISOString() ?? null,
    archivedAt: row.archivedAt?.toISOString() ?? null,
    archivedBy: row.archivedBy,
  };
}

/** The view of one version, its model card included. */
export function toVersionDetail(row: VersionRow & { readonly card: string }, modelName: string): VersionDetail {
  return { ...toVersionView(row, modelName), card: row.card };
}

export function toVersionStatus(text: string): VersionStatus {
  const status = versionStatuses.find((known) => known === text);
  invariant(status !== undefined, 'a version has a known status', { status: text });
  return status;
}

export function toTask(value: unknown): Task | undefined {
  return Task.nullable().parse(value) ?? undefined;
}

export function toTags(value: unknown): Record<string, string> {
  return z.record(z.string(), z.string()).parse(value);
}
