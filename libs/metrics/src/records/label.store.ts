import type { LabelResult, Task } from '@slipway/contracts';
import type { Pool, PoolClient } from 'pg';
import { placeLabel } from '../quality/count-rows.js';
import { countLabelled, type GivenLabel } from '../quality/labelled-prediction.store.js';
import { withPartitions } from '../windows/partitions.store.js';
import { type PlacedLabel, writeLabels } from './label-rows.store.js';
import { findTargets, type LabelOwner, type LabelPlace, mayArrive, type NewLabel } from './label-target.store.js';
import { deleteParked, type ParkedLabel, parkLabels, selectParked } from './parked-label.store.js';

/** What labels are taken by; read afresh for every request. */
export interface LabelRules {
  /** How old (in seconds) a prediction of the deployment may be; never more than records are kept. */
  readonly latenessSeconds: (deploymentId: string) => Promise<number>;
  /** Tasks of versions that the deployment served, by number; a version without one is left out. */
  readonly tasksOf: (deploymentId: string, versions: readonly number[]) => Promise<ReadonlyMap<number, Task>>;
}

/** Labels: joined to predictions of the same deployment, kept once per prediction row and source, with their history, and counted. */
export class LabelStore {
  /** Where the walk through the parked labels goes on. */
  private cursor: string | undefined;

  /**
   * @param retentionSeconds how long records are kept. A label for an older prediction than that, or than the rules allow, is answered `late` and not counted.
   */
  constructor(
    private readonly db: Pool,
    private readonly retentionSeconds: number,
    private readonly rules: Partial<LabelRules> = {},
  ) {}

  /**
   * Takes labels, each answered by position. One that finds no prediction of this deployment is parked: its record may still be on the way.
   * An id of another deployment or project is answered exactly like an unknown one.
   */
  async record(owner: LabelOwner, labels: readonly NewLabel[], now = new Date()): Promise<LabelResult[]> {
    const places = await findTargets(this.db, owner.deploymentId, labels, await this.window(owner.deploymentId, now));
    const tasks = await this.tasksOf(owner.deploymentId, places);
    const placed: PlacedLabel[] = [];
    const positions: number[] = [];
    const unplaced: NewLabel[] = [];
    const results = labels.map((label, index): LabelResult => {
      const place = places[index] ?? 'unmatched';
      if (place === 'late') return 'late';
      if (place !== 'unmatched') positions[placed.push({ label, target: place }) - 1] = index;
      else if (mayArrive(label, now.getTime())) unplaced.push(label);
      return 'unmatched';
    });
    const written = await withPartitions(
      this.db,
      placed.map(({ target }) => target.atMs),
      () =>
        this.inTransaction(async (client) => {
          const answers = await this.write(client, owner, placed, { tasks, now });
          await parkLabels(client, owner, unplaced);
          return answers;
        }),
    );
    written.forEach((result, at) => {
      const index = positions[at];
      if (index !== undefined) results[index] = result;
    });
    return results;
  }

  /**
   * Joins parked labels whose prediction has arrived meanwhile and gives up those whose lateness window has ended: the newest ones, and a
   * stretch of the others, so that every one is looked at again in turn.
   * May run in several workers at a time: the labels it takes are locked, and writing one twice changes nothing.
   */
  async resolveParked(now = new Date(), limit = 2_000): Promise<{ resolved: number; expired: number }> {
    const earliest = new Date(now.getTime() - this.retentionSeconds * 1000);
    return this.inTransaction(async (client) => {
      const expired = await client.query('delete from telemetry.parked_labels where received_at < $1', [earliest]);
      const parked = await selectParked(client, this.cursor, limit);
      let resolved = 0;
      for (const own of groupByDeployment(parked.labels)) resolved += await this.resolveOf(client, own, now);
      this.cursor = parked.cursor;
      return { resolved, expired: expired.rowCount ?? 0 };
    });
  }

  private async resolveOf(client: PoolClient, parked: readonly ParkedLabel[], now: Date): Promise<number> {
    const [first] = parked;
    if (first === undefined) return 0;
    const places = await findTargets(client, first.deploymentId, parked, await this.window(first.deploymentId, now));
    const placed: PlacedLabel[] = [];
    const over: ParkedLabel[] = [];
    parked.forEach((label, index) => {
      const place = places[index] ?? 'unmatched';
      if (place === 'unmatched') return;
      over.push(label);
      if (place !== 'late') placed.push({ label, target: place, receivedAt: label.receivedAt });
    });
    await this.write(client, first, placed, { tasks: await this.tasksOf(first.deploymentId, places), now });
    await deleteParked(client, first.deploymentId, over);
    return placed.length;
  }

  /** Writes labels and lets those count that say something new. */
  private async write(
    client: PoolClient,
    owner: LabelOwner,
    placed: readonly PlacedLabel[],
    { tasks, now }: { readonly tasks: ReadonlyMap<number, Task>; readonly now: Date },
  ): Promise<LabelResult[]> {
    const results = await writeLabels(client, owner, placed, now);
    const counted = placed.flatMap(({ label, target, receivedAt }, index): GivenLabel[] => {
      if (results[index] === 'duplicate') return [];
      const { label: name, labelNumber } = label;
      const place = placeLabel(name, tasks.get(target.versionNumber), target.outputs ?? null);
      return [{ ...target, ...place, label: name, labelNumber, receivedAt: receivedAt ?? now }];
    });
    await countLabelled(client, counted, now.getTime());
    return results;
  }

  private async tasksOf(deploymentId: string, places: readonly LabelPlace[]): Promise<ReadonlyMap<number, Task>> {
    const versions = new Set(places.flatMap((place) => (typeof place === 'string' ? [] : [place.versionNumber])));
    return versions.size === 0 || this.rules.tasksOf === undefined ? new Map() : this.rules.tasksOf(deploymentId, [...versions]);
  }

  private async window(deploymentId: string, now: Date): Promise<{ earliestMs: number; nowMs: number }> {
    const lateness = Math.min(this.retentionSeconds, (await this.rules.latenessSeconds?.(deploymentId)) ?? this.retentionSeconds);
    return { earliestMs: now.getTime() - lateness * 1000, nowMs: now.getTime() };
  }

  private async inTransaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.db.connect();
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }
}

/** In the order of the deployments' ids, so that two walks cannot lock each other out. */
function groupByDeployment(labels: readonly ParkedLabel[]): ParkedLabel[][] {
  const groups = new Map<string, ParkedLabel[]>();
  for (const label of labels) {
    const group = groups.get(label.deploymentId) ?? [];
    group.push(label);
    groups.set(label.deploymentId, group);
  }
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}
