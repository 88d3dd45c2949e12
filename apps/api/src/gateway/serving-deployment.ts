import { pickRevision, pickVersion, type RoutingDeployment, type RoutingInstance } from '@slipway/deployments';
import type { InstanceLink } from './instance-link.js';
import { RetryBudget } from './retry-budget.js';
import { RevisionLane } from './revision-lane.js';
import type { RoutedEntry } from './routed-entry.js';

/** One deployment as the gateway serves it: the present snapshot's view of it and what must outlive a snapshot. */
export class ServingDeployment {
  readonly retries = new RetryBudget();
  private readonly lanes = new Map<string, RevisionLane>();

  constructor(public current: RoutingDeployment) {}

  /** Takes the next snapshot's view; requests that wait for a revision which lost the traffic are routed again. */
  update(next: RoutingDeployment, linkTo: (instance: RoutingInstance, revisionId: string) => InstanceLink): void {
    this.current = next;
    const homeless: RoutedEntry[] = [];
    const present = new Set(next.revisions.map((revision) => revision.revisionId));
    for (const [revisionId, lane] of this.lanes) {
      const serves = next.split.some((share) => share.revisionId === revisionId);
      if (!serves || !present.has(revisionId)) homeless.push(...lane.takeWaiting());
      if (!present.has(revisionId)) this.lanes.delete(revisionId);
    }
    for (const revision of next.revisions) {
      const links = revision.instances.map((instance) => linkTo(instance, revision.revisionId));
      const lane = this.lanes.get(revision.revisionId) ?? new RevisionLane(revision);
      this.lanes.set(revision.revisionId, lane);
      lane.update(revision, links);
    }
    for (const entry of homeless) this.route(entry);
  }

  /** The deployment is gone: nothing waits for it any more. */
  close(): void {
    for (const lane of this.lanes.values()) for (const entry of lane.takeWaiting()) entry.unroutable('nothing_serves');
    this.lanes.clear();
  }

  /** Finds the revision and hands the request to its lane. */
  route(entry: RoutedEntry): void {
    if (entry.version !== undefined) {
      this.routeToVersion(entry, entry.version);
      return;
    }
    const { split, splitSalt } = this.current;
    const revisionId = pickRevision(split, splitSalt, entry.routingKey);
    const lane = revisionId === undefined ? undefined : this.lanes.get(revisionId);
    if (lane === undefined) entry.unroutable('nothing_serves');
    else lane.offer(entry);
  }

  /** The revision that takes most of the traffic: the one that metadata and readiness speak of. */
  mainLane(): RevisionLane | undefined {
    let main = this.current.split[0];
    for (const share of this.current.split) if (main !== undefined && share.weightPercent > main.weightPercent) main = share;
    return main === undefined ? undefined : this.lanes.get(main.revisionId);
  }

  laneOfVersion(version: number): RevisionLane | 'loading' | 'none' {
    if (this.current.suspended) return 'none';
    const choice = pickVersion(this.current, version, (revision) => this.isReady(revision.revisionId));
    if (choice.kind !== 'revision') return choice.kind;
    return this.lanes.get(choice.revision.revisionId) ?? 'none';
  }

  /** The deadline that the revision states for itself, in ms. */
  deadlineMs(version: number | undefined): number | undefined {
    if (version === undefined) return this.mainLane()?.revision.deadlineMs;
    const lane = this.laneOfVersion(version);
    return typeof lane === 'string' ? undefined : lane.revision.deadlineMs;
  }

  isReady(revisionId: string): boolean {
    return (this.lanes.get(revisionId)?.readyCount ?? 0) > 0;
  }

  get waitingCount(): number {
    let sum = 0;
    for (const lane of this.lanes.values()) sum += lane.waitingCount;
    return sum;
  }

  /** Forgets what is over; called every second or so. */
  sweep(nowMs: number): void {
    for (const lane of this.lanes.values()) lane.quarantine.sweep(nowMs);
  }

  private routeToVersion(entry: RoutedEntry, version: number): void {
    const lane = this.laneOfVersion(version);
    if (lane === 'none') entry.unroutable('no_such_version');
    else if (lane === 'loading') this.waitForVersion(entry, version);
    else lane.offer(entry);
  }

  /** The version has instances but none answers: the newest lane decides whether this is a moment to wait. */
  private waitForVersion(entry: RoutedEntry, version: number): void {
    const revision = this.current.revisions.find((candidate) => candidate.versionNumber === version && candidate.instances.length > 0);
    const lane = revision === undefined ? undefined : this.lanes.get(revision.revisionId);
    if (lane === undefined) entry.unroutable('version_loading');
    else lane.offer(entry);
  }
}
