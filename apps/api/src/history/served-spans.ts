import type { SplitShare } from '@slipway/deployments';
import type { HistoryState, PlacedChange } from '@slipway/platform';
import { rebuildState } from '@slipway/platform';
import { splitThen, trafficOf } from './split-then.js';

/** What a deployment's traffic was split into, from one change to the next. */
export interface SplitSpan {
  readonly from: Date;
  /** Undefined: still. */
  readonly to: Date | undefined;
  readonly shares: readonly SplitShare[];
  /** The event that it began with. */
  readonly event: number | null;
}

/**
 * The splits of one deployment over its whole life, oldest first; moments at which nothing was served are left out.
 * @param changes all changes of the deployment's row, its revisions and its rollouts, in their order. Those of one place happened together.
 */
export function splitSpans(deploymentId: string, changes: readonly PlacedChange[]): readonly SplitSpan[] {
  const spans: SplitSpan[] = [];
  let state: HistoryState = new Map();
  let open: SplitSpan | undefined;
  for (const group of byPlace(changes)) {
    state = rebuildState(state, group.changes);
    const traffic = trafficOf(state, group.at).find((each) => each.deployment.id === deploymentId);
    const shares = traffic === undefined ? [] : splitThen(traffic);
    if (open !== undefined && isSameSplit(open.shares, shares)) continue;
    if (open !== undefined && open.shares.length > 0) spans.push({ ...open, to: group.at });
    open = { from: group.at, to: undefined, shares, event: group.event };
  }
  if (open !== undefined && open.shares.length > 0) spans.push(open);
  return spans;
}

/** A revision's time with an unchanged share: neighbouring spans in which only the others changed are one. */
export interface RevisionSpan {
  readonly from: Date;
  readonly to: Date | undefined;
  readonly revisionId: string;
  readonly weightPercent: number;
  readonly event: number | null;
}

export function revisionSpans(spans: readonly SplitSpan[]): readonly RevisionSpan[] {
  const done: RevisionSpan[] = [];
  const open = new Map<string, RevisionSpan>();
  for (const span of spans) {
    const present = new Set(span.shares.map((share) => share.revisionId));
    for (const [revisionId, one] of open) {
      if (present.has(revisionId) && one.to?.getTime() === span.from.getTime()) continue;
      done.push(one);
      open.delete(revisionId);
    }
    for (const { revisionId, weightPercent } of span.shares) {
      const before = open.get(revisionId);
      if (before?.weightPercent === weightPercent) {
        open.set(revisionId, { ...before, to: span.to });
        continue;
      }
      if (before !== undefined) done.push(before);
      open.set(revisionId, { from: span.from, to: span.to, revisionId, weightPercent, event: span.event });
    }
  }
  return [...done, ...open.values()].sort((a, b) => a.from.getTime() - b.from.getTime() || b.weightPercent - a.weightPercent);
}

interface Group {
  readonly changes: PlacedChange[];
  readonly transaction: string;
  readonly event: number | null;
  at: Date;
}

function byPlace(changes: readonly PlacedChange[]): readonly Group[] {
  const groups: Group[] = [];
  const ordered = [...changes].sort((a, b) => a.position - b.position || a.sequence - b.sequence);
  for (const change of ordered) {
    const last = groups.at(-1);
    if (last !== undefined && last.transaction === change.transaction) {
      last.changes.push(change);
      last.at = change.at;
    } else groups.push({ changes: [change], transaction: change.transaction, event: change.event, at: change.at });
  }
  return groups;
}

function isSameSplit(a: readonly SplitShare[], b: readonly SplitShare[]): boolean {
  return (
    a.length === b.length && a.every((share, index) => share.revisionId === b[index]?.revisionId && share.weightPercent === b[index]?.weightPercent)
  );
}
