import { type ChangeSlo, type CreateSlo, type Page, type PageQuery, SlipwayError, type SloView, sloMetrics, type Task } from '@slipway/contracts';
import { type ChangeBy, type Database, decodeCursor, isUniqueViolation, newId, pageFrom, recordEvent, toJson } from '@slipway/platform';
import { z } from 'zod';
import type { Goal, Objective } from './objective.js';
import { refuseObjective } from './refuse-objective.js';

/** Objectives of one deployment: each is judged every few seconds. */
export const slosPerDeployment = 20;
/** Objectives that are judged of one installation. */
const slosRead = 10_000;

const GoalRow = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('availability') }),
  z.object({ kind: z.literal('latency'), thresholdMs: z.number() }),
  z.object({ kind: z.literal('quality'), metric: z.enum(sloMetrics), threshold: z.number() }),
]);

type Row = NonNullable<Awaited<ReturnType<SloStore['find']>>>;

/** The deployment of an objective, and the task of the version it serves. */
export interface SloOwner {
  readonly id: string;
  readonly name: string;
  readonly task: Task | undefined;
}

/** An objective as it is judged. */
export interface StoredObjective extends Objective {
  readonly deploymentId: string;
  readonly enabled: boolean;
}

/** Objectives of deployments. */
export class SloStore {
  constructor(private readonly db: Database) {}

  /** @throws SLO_REFUSED, SLO_NAME_TAKEN */
  async create(by: ChangeBy, owner: SloOwner, { reason, ...wish }: CreateSlo): Promise<SloView> {
    const goal = goalOf(wish);
    refuseObjective({ ...wish, goal }, owner.task);
    const { name, target, periodDays, enabled } = wish;
    const data = {
      id: newId('slo'),
      projectId: by.projectId,
      deploymentId: owner.id,
      name,
      goal: toJson(goal),
      target,
      periodDays,
      enabled,
      createdBy: by.actor,
    };
    try {
      await this.db.$transaction(async (tx) => {
        // Those of one deployment are made one after the other, so that the bound holds.
        await tx.$queryRaw`select 1 from "Deployment" where "id" = ${owner.id} for no key update`;
        if ((await tx.slo.count({ where: { deploymentId: owner.id } })) >= slosPerDeployment)
          throw new SlipwayError('SLO_REFUSED', `A deployment has at most ${slosPerDeployment} objectives.`);
        await tx.slo.create({ data });
        const subject = { kind: 'slo', id: data.id, name: `${owner.name}/${name}` };
        await recordEvent(tx, { ...by, action: 'slo.created', subject, reason, after: { ...wish, deployment: owner.name } });
      });
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new SlipwayError('SLO_NAME_TAKEN', `The deployment "${owner.name}" already has an objective "${name}".`, { cause: error });
    }
    return this.get(owner, name);
  }

  /** One page, ordered by name. */
  async list(owner: Pick<SloOwner, 'id' | 'name'>, page: PageQuery): Promise<Page<SloView>> {
    const list = `slos:${owner.id}`;
    const after = decodeCursor(list, page.cursor);
    const rows = await this.db.slo.findMany({
      where: { deploymentId: owner.id, ...(after === undefined ? {} : { name: { gt: after } }) },
      orderBy: { name: 'asc' },
      take: page.limit + 1,
    });
    return pageFrom(rows, { list, limit: page.limit, positionOf: (row) => row.name, toView: (row) => toView(row, owner.name) });
  }

  /** @throws SLO_NOT_FOUND */
  async get(owner: Pick<SloOwner, 'id' | 'name'>, name: string): Promise<SloView> {
    const row = await this.find(owner.id, name);
    if (row === null) throw noSlo(owner.name, name);
    return toView(row, owner.name);
  }

  /** @throws SLO_NOT_FOUND, SLO_REFUSED */
  async change(by: ChangeBy, owner: SloOwner, name: string, { reason, ...change }: ChangeSlo): Promise<SloView> {
    await this.db.$transaction(async (tx) => {
      // Two changes follow each other, so that what is refused is what would be stored.
      await tx.$queryRaw`select 1 from "Slo" where "deploymentId" = ${owner.id} and "name" = ${name} for no key update`;
      const row = await tx.slo.findUnique({ where: { deploymentId_name: { deploymentId: owner.id, name } } });
      if (row === null) throw noSlo(owner.name, name);
      const before = objectiveOf(row);
      const { target = before.target, periodDays = before.periodDays, enabled = row.enabled } = change;
      const goal = changedGoal(before.goal, change);
      refuseObjective({ goal, target, periodDays }, owner.task);
      await tx.slo.update({ where: { id: row.id }, data: { goal: toJson(goal), target, periodDays, enabled, updatedAt: new Date() } });
      const subject = { kind: 'slo', id: row.id, name: `${owner.name}/${name}` };
      const { deploymentId: _, name: __, ...was } = before;
      await recordEvent(tx, { ...by, action: 'slo.changed', subject, reason, before: was, after: { goal, target, periodDays, enabled } });
    });
    return this.get(owner, name);
  }

  /** Deletes an objective; what was judged of it stays. @throws SLO_NOT_FOUND */
  async remove(by: ChangeBy, owner: Pick<SloOwner, 'id' | 'name'>, name: string): Promise<void> {
    await this.db.$transaction(async (tx) => {
      const row = await tx.slo.findUnique({ where: { deploymentId_name: { deploymentId: owner.id, name } } });
      if (row === null) throw noSlo(owner.name, name);
      await tx.slo.delete({ where: { id: row.id } });
      const { deploymentId: _, name: __, ...before } = objectiveOf(row);
      await recordEvent(tx, { ...by, action: 'slo.deleted', subject: { kind: 'slo', id: row.id, name: `${owner.name}/${name}` }, before });
    });
  }

  /** Every objective of living deployments, by deployment. */
  async all(): Promise<ReadonlyMap<string, readonly StoredObjective[]>> {
    const rows = await this.db.slo.findMany({ orderBy: [{ deploymentId: 'asc' }, { name: 'asc' }], take: slosRead });
    const found = new Map<string, StoredObjective[]>();
    for (const objective of rows.map(objectiveOf)) found.set(objective.deploymentId, [...(found.get(objective.deploymentId) ?? []), objective]);
    return found;
  }

  /** Every objective of a deployment, by name. */
  async of(deploymentId: string): Promise<readonly { readonly objective: StoredObjective; readonly view: (deployment: string) => SloView }[]> {
    const rows = await this.db.slo.findMany({ where: { deploymentId }, orderBy: { name: 'asc' }, take: slosPerDeployment });
    return rows.map((row) => ({ objective: objectiveOf(row), view: (deployment) => toView(row, deployment) }));
  }

  private find(deploymentId: string, name: string) {
    return this.db.slo.findUnique({ where: { deploymentId_name: { deploymentId, name } } });
  }
}

function goalOf(wish: Omit<CreateSlo, 'reason'>): Goal {
  return GoalRow.parse(wish);
}

/** @throws SLO_REFUSED where the change is not one of this kind. */
function changedGoal(goal: Goal, { thresholdMs, metric, threshold }: ChangeSlo): Goal {
  const foreign = goal.kind !== 'latency' && thresholdMs !== undefined ? 'thresholdMs' : metric !== undefined ? 'metric' : 'threshold';
  const isForeign = (goal.kind !== 'latency' && thresholdMs !== undefined) || (goal.kind !== 'quality' && (metric ?? threshold) !== undefined);
  if (isForeign) throw new SlipwayError('SLO_REFUSED', `An objective of the kind "${goal.kind}" has no "${foreign}".`);
  if (goal.kind === 'latency') return { ...goal, thresholdMs: thresholdMs ?? goal.thresholdMs };
  if (goal.kind === 'quality') return { ...goal, metric: metric ?? goal.metric, threshold: threshold ?? goal.threshold };
  return goal;
}

function objectiveOf(row: Row): StoredObjective {
  const { deploymentId, name, target, periodDays, enabled } = row;
  return { deploymentId, name, goal: GoalRow.parse(row.goal), target, periodDays, enabled };
}

function noSlo(deployment: string, name: string): SlipwayError {
  return new SlipwayError('SLO_NOT_FOUND', `The deployment "${deployment}" has no objective "${name.slice(0, 128)}".`);
}

function toView(row: Row, deployment: string): SloView {
  const goal = GoalRow.parse(row.goal);
  return {
    name: row.name,
    deployment,
    kind: goal.kind,
    target: row.target,
    periodDays: row.periodDays,
    thresholdMs: goal.kind === 'latency' ? goal.thresholdMs : null,
    metric: goal.kind === 'quality' ? goal.metric : null,
    threshold: goal.kind === 'quality' ? goal.threshold : null,
    enabled: row.enabled,
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
    updatedAt: row.updatedAt.toISOString(),
  };
}
