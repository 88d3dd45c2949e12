import { HostGpu, type HostView, RevisionSpec } from '@slipway/contracts';
import type { Prisma } from '@slipway/platform';
import { z } from 'zod';
import { expectedMemory } from '../deployments/deployment-rows.js';
import { type Host, isLive } from './host.js';

const Labels = z.record(z.string(), z.string());

type HostRow = Prisma.HostGetPayload<object>;

/** What a view of a host is made of. */
export const hostViewInclude = {
  instances: {
    where: { status: { notIn: ['GONE', 'FAILED'] } },
    select: { threads: true, revision: { select: { spec: true, version: { select: { footprint: true, sizeBytes: true } } } } },
  },
} as const satisfies Prisma.HostInclude;
type HostViewRow = Prisma.HostGetPayload<{ include: typeof hostViewInclude }>;

/** The columns that a decision about placement looks at. */
export const hostColumns = {
  id: true,
  name: true,
  cores: true,
  memoryBytes: true,
  gpus: true,
  labels: true,
  addedLabels: true,
  schedulable: true,
  draining: true,
  lastSeenAt: true,
} as const satisfies Prisma.HostSelect;

export function toHost(row: Pick<HostRow, keyof typeof hostColumns>): Host {
  return {
    id: row.id,
    name: row.name,
    cores: row.cores,
    memoryBytes: Number(row.memoryBytes),
    gpus: HostGpu.array().parse(row.gpus).length,
    labels: labelsOf(row),
    schedulable: row.schedulable,
    draining: row.draining,
    lastSeenAt: row.lastSeenAt,
  };
}

function labelsOf(row: Pick<HostRow, 'labels' | 'addedLabels'>): Record<string, string> {
  return { ...Labels.parse(row.labels), ...Labels.parse(row.addedLabels) };
}

export function toHostView(row: HostViewRow, now: Date): HostView {
  const placed = row.instances.map(({ revision }) => {
    const spec = RevisionSpec.parse(revision.spec);
    const { footprint, sizeBytes } = revision.version;
    return { bytes: spec.memoryLimitBytes ?? expectedMemory(footprint, Number(sizeBytes)), gpus: spec.gpus ?? 0 };
  });
  return {
    id: row.id,
    name: row.name,
    cores: row.cores,
    memoryBytes: Number(row.memoryBytes),
    gpus: HostGpu.array().parse(row.gpus),
    labels: labelsOf(row),
    version: row.version,
    remote: row.remote,
    schedulable: row.schedulable,
    drain: row.draining,
    lastSeenAt: row.lastSeenAt.toISOString(),
    live: isLive(row, now),
    instances: row.instances.length,
    threads: row.instances.reduce((sum, { threads }) => sum + (threads ?? 0), 0),
    placedBytes: placed.reduce((sum, { bytes }) => sum + bytes, 0),
    placedGpus: placed.reduce((sum, { gpus }) => sum + gpus, 0),
  };
}
