import { type HistoryItem, type HistoryKind, historyKinds } from '@slipway/contracts';
import { entryOf, type HistoryState, type KeptEntry, type KeptRow } from '@slipway/platform';
import { splitThen, trafficOf } from './split-then.js';

/** Columns that name another row, what kind of row that is, and the column people know it by. */
const references: Readonly<Record<string, { readonly kind: string; readonly by: string }>> = {
  modelId: { kind: 'model', by: 'name' },
  versionId: { kind: 'version', by: 'number' },
  deploymentId: { kind: 'deployment', by: 'name' },
  revisionId: { kind: 'revision', by: 'number' },
  fromRevisionId: { kind: 'revision', by: 'number' },
  toRevisionId: { kind: 'revision', by: 'number' },
  desiredRevisionId: { kind: 'revision', by: 'number' },
  activeRevisionId: { kind: 'revision', by: 'number' },
};
const rowKeys = new Set(['id', 'projectId']);
const kindOrder = new Map<string, number>(historyKinds.map((kind, index) => [kind, index]));

/**
 * A state as people read it: names and numbers instead of ids, each deployment with its split, without what was over by then (deleted
 * deployments with all that is theirs, finished rollouts, revoked keys). By kind and name.
 * @param at the moment of the state.
 */
export function itemsOf(state: HistoryState, at: Date): readonly HistoryItem[] {
  const splits = new Map(trafficOf(state, at).map((traffic) => [traffic.deployment.id, splitThen(traffic)]));
  const items = [...state.values()]
    .filter((entry) => isLiving(state, entry))
    .map((entry): HistoryItem => {
      const split = splits.get(entry.id);
      const shown = readable(state, entry.row);
      const withSplit = entry.kind === 'deployment' ? { ...shown, ...deploymentExtras(state, entry.row, split ?? []) } : shown;
      return { kind: entry.kind, id: entry.id, name: nameOf(state, entry), state: withSplit };
    });
  return items.sort((a, b) => orderOf(a.kind) - orderOf(b.kind) || compareText(a.name, b.name) || compareText(a.id, b.id));
}

/** A row's name among the things of its kind; what people say: `fraud/3`. */
export function nameOf(state: HistoryState, { kind, id, row }: KeptEntry): string {
  const parent = (column: string) => {
    const found = target(state, row, column);
    return found === undefined ? textOf(row[column]) : textOf(found.row['name']);
  };
  switch (kind) {
    case 'version':
      return `${parent('modelId')}/${textOf(row['number'])}`;
    case 'alias':
    case 'dataset':
      return `${parent('modelId')}/${textOf(row['name'])}`;
    case 'gates':
      return parent('modelId');
    case 'reference':
      return `${parent('modelId')}/${textOf(row['versionNumber'])}/${id}`;
    case 'quota':
      return row['deploymentId'] === null ? 'project' : `deployment:${parent('deploymentId')}`;
    case 'revision':
      return `${parent('deploymentId')}/${textOf(row['number'])}`;
    case 'slo':
      return `${parent('deploymentId')}/${textOf(row['name'])}`;
    case 'rollout':
    case 'shadow':
      return `${parent('deploymentId')}/${id}`;
    case 'rollout-plan':
      return `${textOf(row['name'])}/${textOf(row['revision'])}`;
    default:
      return textOf(row['name'] ?? id);
  }
}

/** Whether a word is a kind whose past can be shown. */
export function isHistoryKind(word: string): word is HistoryKind {
  return kindOrder.has(word);
}

function isLiving(state: HistoryState, { kind, row }: KeptEntry): boolean {
  if (row['deletedAt'] != null || row['endedAt'] != null || row['revokedAt'] != null) return false;
  if (kind === 'rollout' && (row['status'] === 'COMPLETED' || row['status'] === 'ABORTED')) return false;
  const deployment = target(state, row, 'deploymentId');
  return deployment?.row['deletedAt'] == null;
}

function readable(state: HistoryState, row: KeptRow): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [column, value] of Object.entries(row)) {
    if (rowKeys.has(column)) continue;
    const reference = references[column];
    if (reference === undefined) shown[column] = withZone(value);
    else shown[column.slice(0, -2)] = value === null ? null : (target(state, row, column)?.row[reference.by] ?? value);
  }
  return shown;
}

function deploymentExtras(state: HistoryState, row: KeptRow, split: ReturnType<typeof splitThen>): Record<string, unknown> {
  const describe = (revisionId: unknown) => {
    const revision = entryOf(state, 'revision', textOf(revisionId));
    if (revision === undefined) return null;
    const version = target(state, revision.row, 'versionId');
    return { revision: revision.row['number'], version: version?.row['number'] ?? null, digest: version?.row['digest'] ?? null };
  };
  return {
    desiredRevision: describe(row['desiredRevisionId']),
    activeRevision: describe(row['activeRevisionId']),
    split: split.map(({ revisionId, weightPercent }) => ({ ...describe(revisionId), weightPercent })),
  };
}

/** The row that a column names. */
function target(state: HistoryState, row: KeptRow, column: string): KeptEntry | undefined {
  const kind = references[column]?.kind;
  return kind === undefined ? undefined : entryOf(state, kind, textOf(row[column]));
}

const bareTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$/;

/** Times are kept as UTC without a zone. */
function withZone(value: unknown): unknown {
  return typeof value === 'string' && bareTime.test(value) ? new Date(`${value}Z`).toISOString() : value;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

const orderOf = (kind: string) => kindOrder.get(kind) ?? kindOrder.size;
const compareText = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
