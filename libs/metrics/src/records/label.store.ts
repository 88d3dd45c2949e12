import type { LabelResult } from '@slipway/contracts';
import type { Pool, PoolClient } from 'pg';
import { type PlacedLabel, writeLabels } from './label-rows.store.js';
import { findTargets, type LabelOwner, mayArrive, type NewLabel } from './label-target.store.js';
import { deleteParked, type ParkedLabel, parkLabels, selectParked } from './parked-label.store.js';

/** Labels: joined to predictions of the same deployment, kept once per prediction row and source, with their history. */
export class LabelStore {
  /** Where the walk through the parked labels goes on. */
  private cursor: string | undefined;

  /** @param latenessSeconds how old a prediction may be; a label for an older one is answered `late` and not counted. */
  constructor(
    private readonly db: Pool,
    private readonly latenessSeconds: number,
  ) {}

  /**
   * Takes labels, each answered by position. One that finds no prediction of this deployment is parked: its record may still be on the way.
   * An id of another deployment or project is answered exactly like an unknown one.
   */
  async record(owner: LabelOwner, labels: readonly NewLabel[], now = new Date()): Promise<LabelResult[]> {
    const client = await this.db.connect();
    try {
      const places = await findTargets(client, owner.deploymentId, labels, this.window(now));
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
      const written = await writeLabels(client, owner, placed);
      written.forEach((result, at) => {
        const index = positions[at];
        if (index !== undefined) results[index] = result;
      });
      await parkLabels(client, owner, unplaced);
      return results;
    } finally {
      client.release();
    }
  }

  /**
   * Joins parked labels whose prediction has arrived meanwhile and gives up those whose lateness window has ended: the newest ones, and a
   * stretch of the others, so that every one is looked at again in turn.
   * May run in several workers at a time: the labels it takes are locked, and writing one twice changes nothing.
   */
  async resolveParked(now = new Date(), limit = 2_000): Promise<{ resolved: number; expired: number }> {
    const client = await this.db.connect();
    try {
      await client.query('begin');
      const expired = await client.query('delete from telemetry.parked_labels where received_at < $1', [new Date(this.window(now).earliestMs)]);
      const parked = await selectParked(client, this.cursor, limit);
      let resolved = 0;
      for (const own of groupByDeployment(parked.labels)) resolved += await this.resolveOf(client, own, now);
      await client.query('commit');
      this.cursor = parked.cursor;
      return { resolved, expired: expired.rowCount ?? 0 };
    } catch (error) {
      await client.query('rollback').catch(() => undefined);
      throw error;
    } finally {
      client.release();
    }
  }

  private async resolveOf(client: PoolClient, parked: readonly ParkedLabel[], now: Date): Promise<number> {
    const [first] = parked;
    if (first === undefined) return 0;
    const places = await findTargets(client, first.deploymentId, parked, this.window(now));
    const placed: PlacedLabel[] = [];
    const over: ParkedLabel[] = [];
    parked.forEach((label, index) => {
      const place = places[index] ?? 'unmatched';
      if (place === 'unmatched') return;
      over.push(label);
      if (place !== 'late') placed.push({ label, target: place, receivedAt: label.receivedAt });
    });
    await writeLabels(client, first, placed);
    await deleteParked(client, first.deploymentId, over);
    return placed.length;
  }

  private window(now: Date): { earliestMs: number; nowMs: number } {
    return { earliestMs: now.getTime() - this.latenessSeconds * 1000, nowMs: now.getTime() };
  }
}

function groupByDeployment(labels: readonly ParkedLabel[]): ParkedLabel[][] {
  const groups = new Map<string, ParkedLabel[]>();
  for (const label of labels) {
    const group = groups.get(label.deploymentId) ?? [];
    group.push(label);
    groups.set(label.deploymentId, group);
  }
  return [...groups.values()];
}
