import { type InstanceStatus, RevisionSpec, Signature, Task } from '@slipway/contracts';
import { channels, type Database, nudge } from '@slipway/platform';
import { z } from 'zod';
import { expectedMemory } from '../deployments/deployment-rows.js';
import { announceFact } from '../deployments/write-fact.store.js';
import type { HostLease } from '../hosts/host.store.js';
import { type EffectiveBatching, effectiveBatching } from '../revisions/effective-batching.js';
import { databaseNow } from '../rows/database-clock.store.js';
import { readEnum } from '../rows/read-enum.js';
import { type InstanceSetup, type InstanceWish, instanceWishes } from './instance.js';

/** All that a host needs to run an instance; kept in memory, so that a restart needs no database. */
export interface Assignment {
  readonly instanceId: string;
  readonly wish: InstanceWish;
  readonly status: string;
  readonly restarts: number;
  readonly projectId: string;
  readonly deploymentId: string;
  readonly deploymentName: string;
  readonly revisionId: string;
  readonly revisionNumber: number;
  readonly versionId: string;
  readonly versionNumber: number;
  readonly modelName: string;
  readonly digest: string;
  readonly signature: Signature | undefined;
  readonly task: Task | undefined;
  readonly spec: RevisionSpec;
  readonly batching: EffectiveBatching;
  /** Time of one run on one thread, measured while validating. */
  readonly runMs: number | undefined;
  /** Memory one instance is expected to take: measured while validating, else estimated. */
  readonly memoryBytes: number;
}

/** What the hosting worker writes about an instance. */
export interface InstanceFact {
  readonly status: InstanceStatus;
  readonly address: string | undefined;
  readonly pid: number | undefined;
  readonly restarts: number;
  /** Why its last process ended. */
  readonly reason: string | undefined;
  readonly setup: InstanceSetup;
}

/** The part of a version's footprint that placement of threads needs. */
const RunTime = z.object({ runMs: z.number().nullable() }).nullable();

/** So long the rows of ended instances are kept. */
const keepEndedMs = 86_400_000;

/** Instances as their host sees them. */
export class InstanceStore {
  constructor(private readonly db: Database) {}

  /** What the holder of a host should run or stop; undefined for a worker that does not hold it any more, who should do neither. */
  async listForHolder(lease: HostLease): Promise<Assignment[] | undefined> {
    const held = await this.db.host.count({ where: { id: lease.hostId, startedAt: lease.startedAt } });
    return held === 0 ? undefined : this.listAssigned(lease.hostId);
  }

  /** What a host should run or stop. */
  async listAssigned(hostId: string): Promise<Assignment[]> {
    const rows = await this.db.instance.findMany({
      where: { hostId, status: { notIn: ['GONE', 'FAILED'] } },
      orderBy: { id: 'asc' },
      include: {
        deployment: { select: { projectId: true, name: true } },
        revision: {
          include: {
            version: {
              select: {
                number: true,
                digest: true,
                sizeBytes: true,
                signature: true,
                task: true,
                footprint: true,
                rowsIndependent: true,
                model: { select: { name: true } },
              },
            },
          },
        },
      },
    });
    return rows.map(({ deployment, revision, ...row }) => {
      const { version } = revision;
      const spec = RevisionSpec.parse(revision.spec);
      const task = Task.nullable().parse(version.task) ?? undefined;
      return {
        instanceId: row.id,
        wish: readEnum(instanceWishes, row.wish),
        status: row.status,
        restarts: row.restarts,
        projectId: deployment.projectId,
        deploymentId: row.deploymentId,
        deploymentName: deployment.name,
        revisionId: row.revisionId,
        revisionNumber: revision.number,
        versionId: revision.versionId,
        versionNumber: version.number,
        modelName: version.model.name,
        digest: version.digest,
        signature: Signature.nullable().parse(version.signature) ?? undefined,
        task,
        spec,
        batching: effectiveBatching(spec.batching, { rowsIndependent: version.rowsIndependent, task }),
        runMs: RunTime.parse(version.footprint)?.runMs ?? undefined,
        memoryBytes: expectedMemory(version.footprint, Number(version.sizeBytes)),
      };
    });
  }

  /**
   * Writes what an instance is. Only the holder of the host's lease may, and an ended instance stays ended.
   * @returns false when nothing was written for one of these reasons.
   */
  async writeFact(
    lease: HostLease,
    instance: Pick<Assignment, 'instanceId' | 'projectId' | 'deploymentId' | 'deploymentName'>,
    fact: InstanceFact,
  ): Promise<boolean> {
    return this.db.$transaction(async (tx) => {
      const now = await databaseNow(tx);
      const mine = { id: instance.instanceId, status: { notIn: ['GONE', 'FAILED'] }, host: { id: lease.hostId, startedAt: lease.startedAt } };
      const before = await tx.instance.findFirst({ where: mine, select: { restarts: true } });
      const { count } = await tx.instance.updateMany({ where: mine, data: toColumns(fact, now) });
      if (before === null || count === 0) return false;
      // Told once for each restart, also when the fact is written again, or several restarts are told at once.
      const action = fact.status === 'FAILED' ? 'instance.failed' : fact.restarts > before.restarts ? 'instance.restarted' : undefined;
      if (action !== undefined) {
        const deployment = { id: instance.deploymentId, name: instance.deploymentName, projectId: instance.projectId };
        const after = { instance: instance.instanceId, restarts: fact.restarts };
        await announceFact(tx, { deployment, actor: 'system:supervising', action, reason: fact.reason, after });
        return true;
      }
      await nudge(tx, channels.routing);
      await nudge(tx, channels.instances);
      return true;
    });
  }

  /** Removes rows of instances that ended a day ago or more. @returns how many. */
  async purgeEnded(): Promise<number> {
    const now = await databaseNow(this.db);
    const { count } = await this.db.instance.deleteMany({
      where: { status: { in: ['GONE', 'FAILED'] }, updatedAt: { lt: new Date(now.getTime() - keepEndedMs) } },
    });
    return count;
  }
}

function toColumns({ status, address, pid, restarts, reason, setup }: InstanceFact, now: Date) {
  return {
    status,
    address: address ?? null,
    pid: pid ?? null,
    restarts,
    reason: reason ?? null,
    threads: setup.threads ?? null,
    threadsNote: setup.threadsNote ?? null,
    provider: setup.provider ?? null,
    providerNote: setup.providerNote ?? null,
    memoryLimitBytes: setup.memoryLimitBytes === undefined ? null : BigInt(setup.memoryLimitBytes),
    memoryLimitBy: setup.memoryLimitBy ?? null,
    updatedAt: now,
    ...(status === 'READY' ? { readyAt: now } : {}),
    ...(status === 'GONE' || status === 'FAILED' ? { goneAt: now } : {}),
  };
}
