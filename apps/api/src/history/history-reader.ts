import type {
  EventView,
  HistoryComparison,
  HistoryComparisonQuery,
  HistoryItem,
  HistoryPage,
  HistoryPlace,
  HistoryQuery,
  Page,
  PredictionOrigin,
  PredictionSource,
  ServedQuery,
  ServedSpan,
} from '@slipway/contracts';
import { SlipwayError } from '@slipway/contracts';
import { parsePredictionRef } from '@slipway/metrics';
import { decodeCursor, HistoryStore, type KeptRow, type PlacedState, pageFrom } from '@slipway/platform';
import { z } from 'zod';
import { eventAt, eventsBySequence } from '../events/event.store.js';
import type { Platform } from '../platform.js';
import { compareItems } from './compare-items.js';
import { itemsOf } from './history-items.js';
import { type RevisionSpan, revisionSpans, splitSpans } from './served-spans.js';
import { RevisionThen, splitThen, trafficOf } from './split-then.js';

/** What it needs of the process. */
export interface HistoryPlatform {
  readonly db: Pick<Platform['db'], 'prisma' | 'pool'>;
}

/** Bound of the sources named for a prediction that was not recorded. */
const sourcesMax = 100;

const VersionThen = z.object({
  number: z.number(),
  modelId: z.string(),
  digest: z.string(),
  fileName: z.string().nullable(),
  sizeBytes: z.coerce.number(),
});
const Named = z.object({ name: z.string() });

/** A revision with the file it ran, told by the history: it holds also when the rows are gone. */
interface RevisionSource {
  readonly revision: RevisionThen;
  readonly model: string;
  readonly version: z.infer<typeof VersionThen>;
}

/** Answers questions about the past of a project. */
export class HistoryReader {
  private readonly history: HistoryStore;

  constructor(private readonly platform: HistoryPlatform) {
    this.history = new HistoryStore(platform.db.pool);
  }

  /** What the project was at a moment, without the hidden kinds. @throws SlipwayError HISTORY_UNAVAILABLE, CURSOR_INVALID */
  async state(projectId: string, query: HistoryQuery, hidden: ReadonlySet<string>): Promise<HistoryPage> {
    const placed = await this.stateAt(projectId, query.at);
    const items = chosen(itemsOf(placed.state, placed.at ?? new Date()), query, hidden);
    const list = `history:${projectId}:${placed.position}`;
    return { ...page(items, list, query), place: await this.place(projectId, placed), since: (await this.history.since()).toISOString() };
  }

  /** What differs between two moments, without the hidden kinds. @throws SlipwayError HISTORY_UNAVAILABLE, CURSOR_INVALID */
  async compare(projectId: string, query: HistoryComparisonQuery, hidden: ReadonlySet<string>): Promise<HistoryComparison> {
    const [from, to] = await Promise.all([this.stateAt(projectId, query.from), this.stateAt(projectId, query.to)]);
    const changed = compareItems(itemsOf(from.state, from.at ?? new Date()), itemsOf(to.state, to.at ?? new Date()));
    const list = `history-comparison:${projectId}:${from.position}:${to.position}`;
    const [fromPlace, toPlace] = await Promise.all([this.place(projectId, from), this.place(projectId, to)]);
    return { ...page(chosen(changed, query, hidden), list, query), from: fromPlace, to: toPlace };
  }

  /** Which version served a deployment when; also one that was deleted. @throws SlipwayError DEPLOYMENT_NOT_FOUND, CURSOR_INVALID */
  async served(projectId: string, name: string, query: ServedQuery): Promise<Page<ServedSpan>> {
    const ids = await this.history.idsNamed(projectId, 'deployment', name);
    if (ids.length === 0) {
      throw new SlipwayError('DEPLOYMENT_NOT_FOUND', `there has never been a deployment ${JSON.stringify(name.slice(0, 128))} in this project`);
    }
    const [from, to] = [query.from, query.to].map((text) => (text === undefined ? undefined : new Date(text)));
    const found: { deploymentId: string; span: RevisionSpan }[] = [];
    for (const deploymentId of ids) {
      for (const span of await this.spansOf(projectId, deploymentId)) if (overlaps(span, from, to)) found.push({ deploymentId, span });
    }
    const list = `served:${projectId}:${ids[0]}:${query.from}:${query.to}`;
    const { items: spans, ...rest } = pageByIndex(found, list, query);
    const sources = await this.sources(projectId, new Set(spans.map(({ span }) => span.revisionId)));
    const events = await eventsBySequence(
      this.platform.db.prisma,
      projectId,
      spans.flatMap(({ span }) => span.event ?? []),
    );
    const items = spans.flatMap(({ deploymentId, span }) => {
      const source = sources.get(span.revisionId);
      return source === undefined ? [] : [toServedSpan(deploymentId, span, source, events)];
    });
    return { ...rest, items };
  }

  /**
   * The file that answered a prediction: by its record when there is one, else whatever took traffic at the time in the id.
   * @param recorded the revision that the record names.
   * @throws SlipwayError PREDICTION_NOT_FOUND, HISTORY_UNAVAILABLE
   */
  async origin(projectId: string, id: string, recorded: string | undefined, deployment?: string): Promise<PredictionOrigin> {
    const ref = parsePredictionRef(id);
    if (ref === undefined || ref.atMs > Date.now() + 60_000) {
      throw new SlipwayError(
        'PREDICTION_NOT_FOUND',
        `expected an id as Slipway gives it out, "prd_" and 26 characters; given ${JSON.stringify(id.slice(0, 64))}`,
      );
    }
    const at = new Date(ref.atMs);
    const placed = await this.history.stateAt(projectId, { at }).catch((error: unknown) => {
      // What a record says needs no state of that time.
      if (recorded !== undefined && error instanceof SlipwayError && error.code === 'HISTORY_UNAVAILABLE') return undefined;
      throw error;
    });
    const traffic = placed === undefined ? [] : trafficOf(placed.state, at);
    const shares = traffic.flatMap((each) => splitThen(each).map((share) => ({ ...share, deployment: each.deployment.name })));
    const meant = recorded === undefined ? shares.filter((share) => isNamed(share.deployment, deployment)).slice(0, sourcesMax) : [];
    const revisionIds = recorded === undefined ? meant.map((share) => share.revisionId) : [recorded];
    const sources = await this.sources(projectId, new Set(revisionIds));
    const origin = { id: ref.row === undefined ? ref.id : `${ref.id}#${ref.row}`, at: at.toISOString() };
    const items: PredictionSource[] = [];
    for (const revisionId of revisionIds) {
      const source = sources.get(revisionId);
      if (source === undefined) continue;
      const share = shares.find((each) => each.revisionId === revisionId);
      const row = await this.history.lastForm(projectId, 'deployment', source.revision.deploymentId);
      items.push(toSource(source, Named.parse(row).name, share?.weightPercent ?? null));
    }
    if (items.length === 0) {
      throw new SlipwayError(
        'PREDICTION_NOT_FOUND',
        `there is no record of "${id.slice(0, 64)}", and nothing in this project served at ${at.toISOString()}`,
      );
    }
    return { ...origin, basis: recorded === undefined ? 'derived' : 'recorded', sources: items };
  }

  /** The state at a moment as the query names it; without one: now. @throws SlipwayError HISTORY_UNAVAILABLE */
  stateAt(projectId: string, moment: string | undefined): Promise<PlacedState> {
    if (moment === undefined) return this.history.stateAt(projectId, { position: Number.MAX_SAFE_INTEGER });
    return this.history.stateAt(projectId, /^\d+$/.test(moment) ? { position: Number(moment) } : { at: new Date(moment) });
  }

  async place(projectId: string, placed: PlacedState): Promise<HistoryPlace> {
    const event = await eventAt(this.platform.db.prisma, projectId, placed.position);
    return { sequence: event?.sequence ?? 0, at: placed.at?.toISOString() ?? null, event: event ?? null };
  }

  private async spansOf(projectId: string, deploymentId: string): Promise<readonly RevisionSpan[]> {
    const changes = await Promise.all([
      this.history.changesOfRows(projectId, 'deployment', [deploymentId]),
      this.history.changesOfDeployment(projectId, 'revision', deploymentId),
      this.history.changesOfDeployment(projectId, 'rollout', deploymentId),
    ]);
    return revisionSpans(splitSpans(deploymentId, changes.flat()));
  }

  private async sources(projectId: string, revisionIds: ReadonlySet<string>): Promise<ReadonlyMap<string, RevisionSource>> {
    const forms = new Map<string, KeptRow | undefined>();
    const formOf = async (kind: string, id: string) => {
      const key = `${kind}/${id}`;
      if (!forms.has(key)) forms.set(key, await this.history.lastForm(projectId, kind, id));
      return forms.get(key);
    };
    const found = new Map<string, RevisionSource>();
    for (const id of revisionIds) {
      const revision = RevisionThen.safeParse(await formOf('revision', id)).data;
      const version = revision === undefined ? undefined : VersionThen.safeParse(await formOf('version', revision.versionId)).data;
      if (revision === undefined || version === undefined) continue;
      found.set(id, { revision, version, model: Named.safeParse(await formOf('model', version.modelId)).data?.name ?? '' });
    }
    return found;
  }
}

function chosen<T extends Pick<HistoryItem, 'kind' | 'name'>>(
  items: readonly T[],
  query: { kind?: string | undefined; name?: string | undefined },
  hidden: ReadonlySet<string>,
): readonly T[] {
  const name = query.name?.toLowerCase();
  const isMeant = ({ kind, name: its }: T) => (query.kind ?? kind) === kind && (name === undefined || its.toLowerCase() === name);
  return items.filter((item) => !hidden.has(item.kind) && isMeant(item));
}

function page<T extends Pick<HistoryItem, 'kind' | 'id'>>(items: readonly T[], list: string, query: { limit: number; cursor?: string | undefined }) {
  const after = decodeCursor(list, query.cursor);
  const positionOf = (item: T) => `${item.kind}/${item.id}`;
  const start = after === undefined ? 0 : items.findIndex((item) => positionOf(item) === after) + 1;
  const { items: shown, ...rest } = pageFrom(items.slice(start, start + query.limit + 1), {
    list,
    limit: query.limit,
    positionOf,
    toView: (item) => item,
  });
  return { items: [...shown], ...rest };
}

function pageByIndex<T>(items: readonly T[], list: string, query: { limit: number; cursor?: string | undefined }) {
  const start = Number(decodeCursor(list, query.cursor) ?? 0);
  const rows = items.map((item, index) => ({ item, index })).slice(start, start + query.limit + 1);
  return pageFrom(rows, { list, limit: query.limit, positionOf: ({ index }) => String(index + 1), toView: ({ item }) => item });
}

function overlaps(span: RevisionSpan, from: Date | undefined, to: Date | undefined): boolean {
  return (to === undefined || span.from < to) && (from === undefined || span.to === undefined || span.to > from);
}

function isNamed(name: string, wanted: string | undefined): boolean {
  return wanted === undefined || name.toLowerCase() === wanted.toLowerCase();
}

function toServedSpan(deploymentId: string, span: RevisionSpan, source: RevisionSource, events: ReadonlyMap<number, EventView>): ServedSpan {
  const event = span.event === null ? undefined : events.get(span.event);
  const { sequence, at, actor, action, reason } = event ?? {};
  const isTold = sequence !== undefined && at !== undefined && actor !== undefined && action !== undefined;
  return {
    from: span.from.toISOString(),
    to: span.to?.toISOString() ?? null,
    deploymentId,
    revision: source.revision.number,
    model: source.model,
    version: source.version.number,
    digest: source.version.digest,
    fileName: source.version.fileName,
    weightPercent: span.weightPercent,
    cause: isTold ? { sequence, at, actor, action, reason: reason ?? null } : null,
  };
}

function toSource({ revision, version, model }: RevisionSource, deployment: string, weightPercent: number | null): PredictionSource {
  return {
    deployment,
    model,
    version: version.number,
    revision: revision.number,
    digest: version.digest,
    fileName: version.fileName,
    sizeBytes: version.sizeBytes,
    weightPercent,
    deployedBy: revision.createdBy,
    deployedAt: revision.createdAt.toISOString(),
    reason: revision.reason,
  };
}
