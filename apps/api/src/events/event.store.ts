import type { EventExportQuery, EventQuery, EventView, Page } from '@slipway/contracts';
import { type Database, decodeCursor, type Prisma, pageFrom } from '@slipway/platform';

export type EventFilter = EventQuery;
type EventChoice = Omit<EventExportQuery, 'format'>;

type Row = Awaited<ReturnType<Database['event']['findMany']>>[number];

/** The newest events first. */
export async function listEvents(db: Database, projectId: string, filter: EventFilter): Promise<Page<EventView>> {
  const after = decodeCursor(`events:${projectId}`, filter.cursor);
  const rows = await db.event.findMany({
    where: { ...matching(projectId, filter), ...(after === undefined ? {} : { sequence: { lt: BigInt(after) } }) },
    orderBy: { sequence: 'desc' },
    take: filter.limit + 1,
  });
  return pageFrom(rows, { list: `events:${projectId}`, limit: filter.limit, positionOf: (row) => String(row.sequence), toView: toEventView });
}

/** Every event that is asked for, oldest first, some hundreds at a time; those written meanwhile may be missing. */
export async function* exportEvents(db: Database, projectId: string, choice: EventChoice): AsyncGenerator<readonly EventView[]> {
  let after = 0n;
  for (;;) {
    const rows = await db.event.findMany({
      where: { ...matching(projectId, choice), sequence: { gt: after } },
      orderBy: { sequence: 'asc' },
      take: exportChunk,
    });
    if (rows.length > 0) yield rows.map(toEventView);
    const last = rows.at(-1);
    if (last === undefined || rows.length < exportChunk) return;
    after = last.sequence;
  }
}

/** The last event of a project up to a sequence. */
export async function eventAt(db: Database, projectId: string, sequence: number): Promise<EventView | undefined> {
  const row = await db.event.findFirst({ where: { projectId, sequence: { lte: BigInt(sequence) } }, orderBy: { sequence: 'desc' } });
  return row === null ? undefined : toEventView(row);
}

/** These events of a project, by sequence. */
export async function eventsBySequence(db: Database, projectId: string, sequences: readonly number[]): Promise<ReadonlyMap<number, EventView>> {
  if (sequences.length === 0) return new Map();
  const rows = await db.event.findMany({ where: { projectId, sequence: { in: [...new Set(sequences)].map(BigInt) } } });
  return new Map(rows.map((row) => [Number(row.sequence), toEventView(row)]));
}

/** Events of all projects after a position, oldest first. */
export async function eventsAfter(db: Database, sequence: bigint, limit: number): Promise<Row[]> {
  return db.event.findMany({ where: { sequence: { gt: sequence } }, orderBy: { sequence: 'asc' }, take: limit });
}

/** Events of one project after a position, oldest first: what a stream that resumes has missed. */
export async function missedEvents(db: Database, projectId: string, sequence: bigint, limit: number): Promise<Row[]> {
  return db.event.findMany({ where: { projectId, sequence: { gt: sequence } }, orderBy: { sequence: 'asc' }, take: limit });
}

/** Events read at a time by an export. */
const exportChunk = 500;

function matching(projectId: string, choice: EventChoice): Prisma.EventWhereInput {
  const { subjectKind, subjectName, subjectId, actor, action, from, to } = choice;
  const noun = action?.endsWith('.*') === true ? action.slice(0, -1) : undefined;
  return {
    projectId,
    ...(subjectKind === undefined ? {} : { subjectKind }),
    ...(subjectName === undefined ? {} : { subjectName }),
    ...(subjectId === undefined ? {} : { subjectId }),
    ...(actor === undefined ? {} : { actor }),
    ...(action === undefined ? {} : { action: noun === undefined ? action : { startsWith: noun } }),
    ...(from === undefined && to === undefined
      ? {}
      : { at: { ...(from === undefined ? {} : { gte: new Date(from) }), ...(to === undefined ? {} : { lt: new Date(to) }) } }),
  };
}

export async function lastSequence(db: Database): Promise<bigint> {
  const row = await db.event.findFirst({ orderBy: { sequence: 'desc' }, select: { sequence: true } });
  return row?.sequence ?? 0n;
}

export function toEventView(row: Row): EventView {
  return {
    sequence: Number(row.sequence),
    id: row.id,
    at: row.at.toISOString(),
    actor: row.actor,
    action: row.action,
    subjectKind: row.subjectKind,
    subjectId: row.subjectId,
    subjectName: row.subjectName,
    reason: row.reason,
    before: row.before,
    after: row.after,
    requestId: row.requestId,
  };
}
