import { type EventView, type Page } from '@slipway/contracts';
import { type Database, decodeCursor, pageFrom } from '@slipway/platform';

export interface EventFilter {
  readonly limit: number;
  readonly cursor?: string | undefined;
  readonly subjectKind?: string | undefined;
  readonly subjectName?: string | undefined;
}

type Row = Awaited<ReturnType<Database['event']['findMany']>>[number];

/** The newest events first. */
export async function listEvents(db: Database, projectId: string, filter: EventFilter): Promise<Page<EventView>> {
  const after = decodeCursor(`events:${projectId}`, filter.cursor);
  const rows = await db.event.findMany({
    where: {
      projectId,
      ...(after === undefined ? {} : { sequence: { lt: BigInt(after) } }),
      ...(filter.subjectKind === undefined ? {} : { subjectKind: filter.subjectKind }),
      ...(filter.subjectName === undefined ? {} : { subjectName: filter.subjectName }),
    },
    orderBy: { sequence: 'desc' },
    take: filter.limit + 1,
  });
  return pageFrom(rows, { list: `events:${projectId}`, limit: filter.limit, positionOf: (row) => String(row.sequence), toView: toEventView });
}

/** Events of all projects after a position, oldest first. */
export async function eventsAfter(db: Database, sequence: bigint, limit: number): Promise<Row[]> {
  return db.event.findMany({ where: { sequence: { gt: sequence } }, orderBy: { sequence: 'asc' }, take: limit });
}

/** Events of one project after a position, oldest first: what a stream that resumes has missed. */
export async function missedEvents(db: Database, projectId: string, sequence: bigint, limit: number): Promise<Row[]> {
  return db.event.findMany({ where: { projectId, sequence: { gt: sequence } }, orderBy: { sequence: 'asc' }, take: limit });
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
