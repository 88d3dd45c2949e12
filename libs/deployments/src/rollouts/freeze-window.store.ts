import { type CreateFreezeWindow, type FreezeWindowView, foldName, type Page, type PageQuery, ResourceName, SlipwayError } from '@slipway/contracts';
import {
  type ChangeBy,
  channels,
  type Database,
  decodeCursor,
  isUniqueViolation,
  newId,
  nudge,
  type Prisma,
  pageFrom,
  recordEvent,
  type Transaction,
} from '@slipway/platform';
import { nameKey, noDeployment } from '../deployments/lock-deployment.store.js';
import { databaseNow } from '../rows/database-clock.store.js';
import { nextSpan } from './freeze-windows.js';
import { freezeWindowsMax, toFreezeWindow } from './load-freeze-windows.store.js';

type Row = Prisma.FreezeWindowGetPayload<object>;

/** Times in which nothing moves forward. */
export class FreezeWindowStore {
  constructor(private readonly db: Database) {}

  /** @throws SlipwayError FREEZE_WINDOW_NAME_TAKEN, DEPLOYMENT_NOT_FOUND, ROLLOUT_REFUSED */
  async create(by: ChangeBy, wish: CreateFreezeWindow): Promise<FreezeWindowView> {
    try {
      return await this.db.$transaction((tx) => createWindow(tx, by, wish));
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw new SlipwayError('FREEZE_WINDOW_NAME_TAKEN', `there is already a freeze window "${wish.name}" in this project; delete it first`, {
        cause: error,
      });
    }
  }

  /** By name; those that are over too, until they are deleted. */
  async list(projectId: string, page: PageQuery): Promise<Page<FreezeWindowView>> {
    const list = `freeze-windows:${projectId}`;
    const after = decodeCursor(list, page.cursor);
    const now = await databaseNow(this.db);
    const rows = await this.db.freezeWindow.findMany({
      where: { projectId, ...(after === undefined ? {} : { nameFolded: { gt: after } }) },
      orderBy: { nameFolded: 'asc' },
      take: page.limit + 1,
    });
    const names = await deploymentNamesOf(this.db, rows);
    return pageFrom(rows, { list, limit: page.limit, positionOf: (row) => row.nameFolded, toView: (row) => toView(row, names, now) });
  }

  /** @throws SlipwayError FREEZE_WINDOW_NOT_FOUND */
  async get(projectId: string, name: string): Promise<FreezeWindowView> {
    const row = await findWindow(this.db, projectId, name);
    return toView(row, await deploymentNamesOf(this.db, [row]), await databaseNow(this.db));
  }

  /** Ends it for good; what waited for its end goes on. @throws SlipwayError FREEZE_WINDOW_NOT_FOUND */
  async remove(by: ChangeBy, name: string, reason?: string): Promise<void> {
    await this.db.$transaction(async (tx) => {
      const row = await findWindow(tx, by.projectId, name);
      await tx.freezeWindow.delete({ where: { id: row.id } });
      await record(tx, by, { action: 'freeze_window.deleted', row, reason, before: factsOf(row) });
    });
  }
}

async function createWindow(tx: Transaction, by: ChangeBy, wish: CreateFreezeWindow): Promise<FreezeWindowView> {
  const { projectId } = by;
  if ((await tx.freezeWindow.count({ where: { projectId } })) >= freezeWindowsMax) {
    throw new SlipwayError('ROLLOUT_REFUSED', `a project has at most ${freezeWindowsMax} freeze windows; delete some that are over`);
  }
  const row = await tx.freezeWindow.create({
    data: {
      id: newId('frz'),
      projectId,
      name: wish.name,
      nameFolded: foldName(wish.name),
      deploymentId: wish.deployment === undefined ? null : await deploymentIdOf(tx, projectId, wish.deployment),
      fromAt: new Date(wish.from),
      toAt: new Date(wish.to),
      weekly: wish.weekly,
      reason: wish.reason ?? null,
      createdBy: by.actor,
    },
  });
  await record(tx, by, { action: 'freeze_window.created', row, reason: wish.reason, after: factsOf(row) });
  return toView(row, await deploymentNamesOf(tx, [row]), await databaseNow(tx));
}

async function deploymentIdOf(tx: Transaction, projectId: string, name: string): Promise<string> {
  const row = await tx.deployment.findFirst({ where: { projectId, nameFolded: nameKey(name), deletedAt: null }, select: { id: true } });
  if (row === null) throw noDeployment(name);
  return row.id;
}

async function findWindow(tx: Transaction, projectId: string, name: string): Promise<Row> {
  const isName = ResourceName.safeParse(name).success;
  const where = { projectId_nameFolded: { projectId, nameFolded: foldName(name) } };
  const row = isName ? await tx.freezeWindow.findUnique({ where }) : null;
  if (row !== null) return row;
  throw new SlipwayError(
    'FREEZE_WINDOW_NOT_FOUND',
    `there is no freeze window "${name.slice(0, 128)}" in this project; GET /v1/freeze-windows lists those that are there`,
  );
}

function factsOf(row: Row): object {
  return { from: row.fromAt, to: row.toAt, weekly: row.weekly, deployment: row.deploymentId };
}

async function record(
  tx: Transaction,
  by: ChangeBy,
  change: { readonly action: string; readonly row: Row; readonly reason: string | undefined; readonly before?: unknown; readonly after?: unknown },
): Promise<void> {
  const { action, row, reason, before, after } = change;
  const { projectId, actor, requestId } = by;
  const subject = { kind: 'freeze_window', id: row.id, name: row.name };
  await recordEvent(tx, { projectId, actor, requestId, action, subject, reason, before, after });
  // Rollouts that wait for its end look again.
  await nudge(tx, channels.routing);
}

/** Names of the deployments that windows are for; a deleted one keeps its name. */
async function deploymentNamesOf(tx: Transaction, rows: readonly Row[]): Promise<ReadonlyMap<string, string>> {
  const ids = rows.flatMap((row) => (row.deploymentId === null ? [] : [row.deploymentId]));
  if (ids.length === 0) return new Map();
  const deployments = await tx.deployment.findMany({ where: { id: { in: ids } }, select: { id: true, name: true } });
  return new Map(deployments.map(({ id, name }) => [id, name]));
}

function toView(row: Row, names: ReadonlyMap<string, string>, now: Date): FreezeWindowView {
  const span = nextSpan(toFreezeWindow(row), now);
  const open = span !== undefined && span.from <= now;
  return {
    id: row.id,
    name: row.name,
    deployment: row.deploymentId === null ? null : (names.get(row.deploymentId) ?? null),
    from: row.fromAt.toISOString(),
    to: row.toAt.toISOString(),
    weekly: row.weekly,
    reason: row.reason,
    open,
    opensAt: open ? null : (span?.from.toISOString() ?? null),
    createdAt: row.createdAt.toISOString(),
    createdBy: row.createdBy,
  };
}
