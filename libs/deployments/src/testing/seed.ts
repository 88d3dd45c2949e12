import { RevisionSpec } from '@slipway/contracts';
import { type ChangeBy, type Database, newId, toJson } from '@slipway/platform';
import { HostStore } from '../hosts/host.store.js';
import { noSetup } from '../instances/instance.js';
import { InstanceStore } from '../instances/instance.store.js';
import { InstancePlanStore } from '../instances/instance-plan.store.js';

export const by: ChangeBy = { projectId: 'prj_default', actor: 'key:test' };
export const spec = RevisionSpec.parse({});

const signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };

/** A model with versions 1 … n in these statuses, as the registry would leave them. */
export async function seedModel(db: Database, name: string, statuses: readonly string[]): Promise<{ id: string }> {
  const id = newId('mdl');
  await db.model.create({ data: { id, projectId: by.projectId, name, nameFolded: name.toLowerCase(), nextVersion: statuses.length + 1 } });
  for (const [index, status] of statuses.entries()) {
    const digest = String(index + 1).padStart(64, '0');
    const reasons = status === 'REJECTED' ? ['it is not an ONNX file'] : [];
    const data = { id: newId('ver'), modelId: id, number: index + 1, status, digest, sizeBytes: 1000n, createdBy: by.actor };
    await db.version.create({ data: { ...data, signature: toJson(signature), reasons: toJson(reasons) } });
  }
  return { id };
}

/** Removes everything that a test has written; quicker than a database for each. */
export async function empty(db: Database): Promise<void> {
  await db.$executeRaw`truncate "Deployment", "Model", "Host", "Event", "OutboxMessage" cascade`;
}

/** A host that makes every instance ready (or failed) at once, through the stores that a real one uses. */
export class InstantHost {
  private constructor(
    private readonly db: Database,
    readonly lease: Awaited<ReturnType<HostStore['register']>>,
  ) {}

  static async register(db: Database, name = 'one'): Promise<InstantHost> {
    return new InstantHost(db, await new HostStore(db).register({ name, cores: 4, memoryBytes: 8e9 }));
  }

  /** Plans, then brings every instance to where its wish leads. */
  async settle(outcome: (assignment: { revisionNumber: number }) => 'READY' | 'FAILED' | 'ASSIGNED' = () => 'READY'): Promise<void> {
    const instances = new InstanceStore(this.db);
    // However slow the machine that tests is, this host is not silent.
    await new HostStore(this.db).heartbeat(this.lease);
    await new InstancePlanStore(this.db).planOnce();
    for (const assignment of await instances.listAssigned(this.lease.hostId)) {
      const status = assignment.wish === 'STOP' ? 'GONE' : outcome(assignment);
      const isReady = status === 'READY';
      await instances.writeFact(this.lease, assignment, {
        status,
        address: isReady ? `unix:/run/${assignment.instanceId}.sock` : undefined,
        pid: isReady ? 1 : undefined,
        restarts: 0,
        reason: status === 'FAILED' ? 'it cannot be loaded' : undefined,
        setup: noSetup,
      });
    }
  }
}
