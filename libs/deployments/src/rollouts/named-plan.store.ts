import {
  type CreateRolloutPlan,
  foldName,
  type Page,
  type PageQuery,
  ResourceName,
  RolloutPlan,
  type RolloutPlanView,
  SlipwayError,
} from '@slipway/contracts';
import {
  type ChangeBy,
  type Database,
  decodeCursor,
  isUniqueViolation,
  newId,
  type Prisma,
  pageFrom,
  recordEvent,
  type Transaction,
  toJson,
} from '@slipway/platform';
import { planDigest } from './plan-digest.js';

/** Plans under names. A plan never changes: the same name again is its next revision, and rollouts keep a copy of the one they were started with. */
export class NamedPlanStore {
  constructor(private readonly db: Database) {}

  /** Keeps a plan; one that says the same as the latest revision of its name is that revision. */
  async create(by: ChangeBy, wish: CreateRolloutPlan): Promise<RolloutPlanView> {
    try {
      return await this.db.$transaction((tx) => createPlan(tx, by, wish));
    } catch (error) {
      // Somebody else kept a plan under this name at the same moment; this one is the next revision then.
      if (!isUniqueViolation(error)) throw error;
      return this.db.$transaction((tx) => createPlan(tx, by, wish));
    }
  }

  /** The latest revision of each name, by name. */
  async list(projectId: string, page: PageQuery): Promise<Page<RolloutPlanView>> {
    const list = `rollout-plans:${projectId}`;
    const after = decodeCursor(list, page.cursor);
    const rows = await this.db.namedPlan.findMany({
      where: { projectId, deletedAt: null, ...(after === undefined ? {} : { nameFolded: { gt: after } }) },
      orderBy: [{ nameFolded: 'asc' }, { revision: 'desc' }],
      distinct: ['nameFolded'],
      take: page.limit + 1,
    });
    return pageFrom(rows, { list, limit: page.limit, positionOf: (row) => row.nameFolded, toView: toPlanView });
  }

  /** The latest revision of a name, or the one with this number. @throws SlipwayError ROLLOUT_PLAN_NOT_FOUND */
  async get(projectId: string, name: string, revision?: number): Promise<RolloutPlanView> {
    return toPlanView(await findPlan(this.db, projectId, name, revision));
  }

  /** Its name is not offered any more; rollouts keep their copy, and so do its revisions. @throws SlipwayError ROLLOUT_PLAN_NOT_FOUND */
  async remove(by: ChangeBy, name: string): Promise<void> {
    await this.db.$transaction(async (tx) => {
      const plan = await findPlan(tx, by.projectId, name);
      const where = { projectId: by.projectId, nameFolded: plan.nameFolded, deletedAt: null };
      await tx.namedPlan.updateMany({ where, data: { deletedAt: new Date() } });
      const { revision, digest } = plan;
      await record(tx, by, { action: 'rollout_plan.deleted', plan, before: { revision, digest, plan: plan.plan } });
    });
  }
}

/** The plan of this name. @throws SlipwayError ROLLOUT_PLAN_NOT_FOUND */
export async function findPlan(tx: Transaction, projectId: string, name: string, revision?: number): Promise<Prisma.NamedPlanGetPayload<object>> {
  const nameFolded = ResourceName.safeParse(name).success ? foldName(name) : undefined;
  const where = { projectId, nameFolded: nameFolded ?? '', deletedAt: null, ...(revision === undefined ? {} : { revision }) };
  const row = nameFolded === undefined ? null : await tx.namedPlan.findFirst({ where, orderBy: { revision: 'desc' } });
  if (row !== null) return row;
  const what =
    revision === undefined ? `no rollout plan "${name.slice(0, 128)}"` : `no revision ${revision} of a rollout plan "${name.slice(0, 128)}"`;
  throw new SlipwayError('ROLLOUT_PLAN_NOT_FOUND', `there is ${what} in this project; GET /v1/rollout-plans lists those that are there`);
}

async function createPlan(tx: Transaction, by: ChangeBy, wish: CreateRolloutPlan): Promise<RolloutPlanView> {
  const nameFolded = foldName(wish.name);
  const digest = planDigest(wish.plan);
  // Deleted ones count too, so that a number always names one and the same plan.
  const before = await tx.namedPlan.findFirst({ where: { projectId: by.projectId, nameFolded }, orderBy: { revision: 'desc' } });
  if (before !== null && before.deletedAt === null && before.digest === digest && before.description === wish.description) return toPlanView(before);
  const plan = await tx.namedPlan.create({
    data: {
      id: newId('pln'),
      projectId: by.projectId,
      name: wish.name,
      nameFolded,
      revision: (before?.revision ?? 0) + 1,
      digest,
      description: wish.description,
      plan: toJson(wish.plan),
      createdBy: by.actor,
    },
  });
  await record(tx, by, {
    action: 'rollout_plan.created',
    plan,
    before: before === null || before.deletedAt !== null ? undefined : { revision: before.revision, digest: before.digest, plan: before.plan },
    after: { revision: plan.revision, digest, plan: wish.plan, description: wish.description },
  });
  return toPlanView(plan);
}

async function record(
  tx: Transaction,
  by: ChangeBy,
  change: { readonly action: string; readonly plan: { id: string; name: string }; readonly before?: unknown; readonly after?: unknown },
): Promise<void> {
  const { action, plan, before, after } = change;
  await recordEvent(tx, { ...eventBy(by), action, subject: { kind: 'rollout_plan', id: plan.id, name: plan.name }, before, after });
}

function eventBy({ projectId, actor, requestId }: ChangeBy): ChangeBy {
  return { projectId, actor, requestId };
}

function toPlanView(row: Prisma.NamedPlanGetPayload<object>): RolloutPlanView {
  return {
    id: row.id,
    name: row.name,
    revision: row.revision,
    digest: row.digest,
    description: row.description,
    plan: RolloutPlan.parse(row.plan),
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
  };
}
