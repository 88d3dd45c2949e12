import {
  delimiters,
  ReferenceBody,
  type ReferenceDetail,
  type ReferenceItem,
  ReferenceOrigin,
  referenceSources,
  referenceStatuses,
  tableFormats,
} from '@slipway/contracts';
import type { Prisma } from '@slipway/platform';
import { z } from 'zod';

/** How a file of rows is read. */
export const RowFile = z.object({
  format: z.enum(tableFormats),
  labelColumn: z.string().optional(),
  idColumns: z.array(z.string()),
  columns: z.array(z.string()).optional(),
  header: z.boolean(),
  delimiter: z.enum(delimiters).optional(),
});
export type RowFile = z.infer<typeof RowFile>;

/**
 * As kept in the row: what people see, how the file is read while there is one, and of one that is taken over whether its first owner learned it from
 * traffic: that owner may be gone long before it.
 */
export const StoredOrigin = z.object({ shown: ReferenceOrigin, file: RowFile.optional(), isFromTraffic: z.boolean().optional() });
export type StoredOrigin = z.infer<typeof StoredOrigin>;

/** All columns but the body, which is large. */
export const withoutBody = {
  id: true,
  projectId: true,
  modelId: true,
  versionId: true,
  versionNumber: true,
  source: true,
  status: true,
  reason: true,
  origin: true,
  rows: true,
  labelled: true,
  digest: true,
  createdBy: true,
  createdAt: true,
  attempt: true,
  lastFault: true,
  inputDigest: true,
} as const satisfies Prisma.ReferenceProfileSelect;

export type ReferenceRow = Prisma.ReferenceProfileGetPayload<{ select: typeof withoutBody }>;

/** Whether a reference was learned from live rows, by its version or by the one that it was taken over from. */
export function isFromTraffic({ source, origin }: Pick<ReferenceRow, 'source' | 'origin'>): boolean {
  return source === 'learned' || (source === 'inherited' && StoredOrigin.parse(origin).isFromTraffic === true);
}

/** @param activeId the one that judgements of its version stand on now. */
export function toReferenceItem(row: ReferenceRow, model: string, activeId: string | undefined): ReferenceItem {
  return {
    id: row.id,
    model,
    version: row.versionNumber,
    source: z.enum(referenceSources).parse(row.source),
    status: z.enum(referenceStatuses).parse(row.status),
    reason: row.reason,
    active: row.id === activeId,
    rows: row.rows,
    digest: row.digest,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    origin: StoredOrigin.parse(row.origin).shown,
    labelled: row.labelled,
  };
}

/** With its distributions; without a body those parts are empty. */
export function toReferenceDetail(item: ReferenceItem, stored: unknown): ReferenceDetail {
  if (stored === null || stored === undefined) return { ...item, layout: null, columns: [], labels: null, noise: null };
  const body = ReferenceBody.parse(stored);
  const columns = body.layout.columns.flatMap((layout, index) => {
    const [counts, known] = [body.profile.columns[index], body.columns[index]];
    return counts === undefined || known === undefined ? [] : [{ ...layout, counts, ...known }];
  });
  return { ...item, layout: body.layout.id, columns, labels: body.labelled, noise: body.noise };
}
