import type { InstanceFact } from '@slipway/deployments';
import type { Logger } from '@slipway/platform';
import type { InstanceIdentity } from './process-record.js';

const retryMs = 500;

interface Pending {
  readonly identity: InstanceIdentity;
  readonly fact: InstanceFact;
}

/**
 * Brings facts to the database, each instance's in order, and holds them while it is away. Of facts that pile up only the latest counts, so
 * this holds at most one per instance.
 */
export class FactWriter {
  private readonly pending = new Map<string, Pending>();
  private isWriting = false;
  private isClosed = false;
  private timer: NodeJS.Timeout | undefined;

  /** @param write writes one fact; throws while the database is away. */
  constructor(
    private readonly write: (identity: InstanceIdentity, fact: InstanceFact) => Promise<void>,
    private readonly log: Logger,
  ) {}

  put(identity: InstanceIdentity, fact: InstanceFact): void {
    // Taken out and put in again: facts of other instances that wait longer go first.
    this.pending.delete(identity.instanceId);
    this.pending.set(identity.instanceId, { identity, fact });
    void this.flush();
  }

  /** Whether a fact of this instance still waits. */
  holds(instanceId: string): boolean {
    return this.pending.has(instanceId);
  }

  /** Writes what is left, once. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await Promise.allSettled([...this.pending.values()].map(({ identity, fact }) => this.write(identity, fact)));
    this.pending.clear();
  }

  private async flush(): Promise<void> {
    if (this.isWriting || this.isClosed) return;
    this.isWriting = true;
    clearTimeout(this.timer);
    for (let next = this.first(); next !== undefined && !this.isClosed; next = this.first()) {
      if (await this.tryWrite(next)) continue;
      if (!this.isClosed) this.timer = setTimeout(() => void this.flush(), retryMs);
      break;
    }
    this.isWriting = false;
  }

  private async tryWrite(next: Pending): Promise<boolean> {
    const { instanceId } = next.identity;
    try {
      await this.write(next.identity, next.fact);
      if (this.pending.get(instanceId) === next) this.pending.delete(instanceId);
      return true;
    } catch (error) {
      this.log.warn({ err: error, instance: instanceId, waiting: this.pending.size }, 'instance facts not written');
      // To the end of the line: should the database refuse this very fact, those of the other instances still get through.
      if (this.pending.get(instanceId) === next && this.pending.delete(instanceId)) this.pending.set(instanceId, next);
      return false;
    }
  }

  private first(): Pending | undefined {
    return this.pending.values().next().value;
  }
}
