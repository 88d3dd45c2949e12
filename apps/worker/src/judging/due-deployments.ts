import { type WatchedRows, watchedDeployments, watchedDeploymentsMax } from '@slipway/deployments';
import { RecentInputStore, type WatchedDeployment, WatchSettingsStore } from '@slipway/metrics';
import type { DatabaseHandle, Logger } from '@slipway/platform';

/** After so long without anything new, what ought to be told of it has been told. */
const quietAfterMs = 2 * 3_600_000;
/** Quiet deployments are looked at this often, each at its own time: hours that end and labels that do not come are still to be seen. */
const quietEveryMs = 300_000;

export interface DueDeployments {
  readonly due: readonly WatchedDeployment[];
  /** All that live. */
  readonly living: ReadonlySet<string>;
}

/** Reads which deployments a round is to look at: all but those where nothing happens, and these in turn. */
export class DueDeploymentStore {
  private readonly settings: WatchSettingsStore;
  private readonly inputs: RecentInputStore;
  private readonly lookedAt = new Map<string, number>();
  private hasToldMost = false;

  constructor(
    private readonly db: Pick<DatabaseHandle, 'prisma' | 'pool'>,
    private readonly log: Logger,
  ) {
    this.settings = new WatchSettingsStore(db.prisma);
    this.inputs = new RecentInputStore(db.pool);
  }

  async at(nowMs: number): Promise<DueDeployments> {
    const rows = await watchedDeployments(this.db.prisma);
    this.tellMost(rows.length);
    const ids = rows.map(({ deploymentId }) => deploymentId);
    const living = new Set(ids);
    for (const id of this.lookedAt.keys()) if (!living.has(id)) this.lookedAt.delete(id);
    const recent = await this.inputs.since(ids, nowMs - quietAfterMs);
    const due = rows.filter((row) => this.isTurn(row, nowMs) || recent.has(row.deploymentId) || nowMs - row.changedAtMs < quietAfterMs);
    const settings = await this.settings.ofAll(due.map(({ deploymentId }) => deploymentId));
    return {
      living,
      due: due.flatMap((row) => {
        const own = settings.get(row.deploymentId);
        return own === undefined ? [] : [{ ...row, settings: own }];
      }),
    };
  }

  /** Turns are of the clock, so that a worker that starts again and again comes to each. */
  private isTurn({ deploymentId }: WatchedRows, nowMs: number): boolean {
    const turn = Math.floor((nowMs + phaseOf(deploymentId)) / quietEveryMs);
    const before = this.lookedAt.get(deploymentId);
    this.lookedAt.set(deploymentId, turn);
    return before !== undefined && before !== turn;
  }

  private tellMost(count: number): void {
    const isMost = count >= watchedDeploymentsMax;
    if (isMost && !this.hasToldMost) this.log.warn({ judged: watchedDeploymentsMax }, 'there are more deployments than are judged; the rest is not');
    this.hasToldMost = isMost;
  }
}

function phaseOf(id: string): number {
  let hash = 0;
  for (let at = 0; at < id.length; at += 1) hash = (hash * 31 + id.charCodeAt(at)) % quietEveryMs;
  return hash;
}
