import { pickRevision, pickVersion, type RoutingDeployment, type RoutingInstance, type SplitShare } from '@slipway/deployments';
import type { InstanceLink } from './instance-link.js';
import { RetryBudget } from './retry-budget.js';
import { RevisionLane } from './revision-lane.js';
import type { RoutedEntry } from './routed-entry.js';
import type { CopyDesk } from './trials/copy-desk.js';
import type { EjectionReporter } from './trials/ejection-reporter.js';
import type { Fault } from './trials/fast-lane.js';
import { Trial, type TrialGround } from './trials/trial.js';

/** What the trials of all deployments share. */
export interface TrialParts {
  readonly desk: CopyDesk;
  readonly reporter: EjectionReporter;
}

/** One deployment as the gateway serves it: the present snapshot's view of it and what must outlive a snapshot. */
export class ServingDeployment implements TrialGround {
  readonly retries = new RetryBudget();
  /** Of a candidate or of shadows; undefined while there are none, and then nothing is counted or copied. */
  trial: Trial | undefined;
  private readonly lanes = new Map<string, RevisionLane>();
  /** The rollout whose candidate this gateway has taken back by itself; it is over as soon as the snapshot says so. */
  private takenBack: { readonly rolloutId: string; readonly fault: Fault } | undefined;

  constructor(
    public current: RoutingDeployment,
    private readonly parts: TrialParts,
  ) {}

  /** The snapshot's split, less a candidate that was taken back. */
  get split(): readonly SplitShare[] {
    const { takenBack, current } = this;
    const { rollout, split } = current;
    if (takenBack === undefined || rollout === undefined || takenBack.rolloutId !== rollout.rolloutId) return split;
    const { fromRevisionId, toRevisionId } = rollout;
    if (fromRevisionId === undefined) return split;
    return split.some((share) => share.revisionId === toRevisionId) ? [{ revisionId: fromRevisionId, weightPercent: 100 }] : split;
  }

  /** Takes the next snapshot's view; requests that wait for a revision which lost the traffic are routed again. */
  update(next: RoutingDeployment, linkTo: (instance: RoutingInstance, revisionId: string) => InstanceLink): void {
    this.current = next;
    this.updateTrial();
    const { split } = this;
    const homeless: RoutedEntry[] = [];
    const present = new Set(next.revisions.map((revision) => revision.revisionId));
    for (const [revisionId, lane] of this.lanes) {
      const serves = split.some((share) => share.revisionId === revisionId);
      if (!serves || !present.has(revisionId)) homeless.push(...lane.takeWaiting());
      if (!present.has(revisionId)) this.lanes.delete(revisionId);
    }
    for (const revision of next.revisions) {
      const links = revision.instances.map((instance) => linkTo(instance, revision.revisionId));
      const lane = this.lanes.get(revision.revisionId) ?? new RevisionLane(revision);
      this.lanes.set(revision.revisionId, lane);
      lane.onCrash = () => this.trial?.crashed(revision.revisionId);
      lane.onLost = () => this.moveToStable(revision.revisionId);
      lane.update(revision, links);
    }
    this.rehome(homeless);
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
    const { current } = this;
    const revisionId = pickRevision(this.split, current.splitSalt, entry.routingKey);
    const lane = revisionId === undefined ? undefined : this.lanes.get(revisionId);
    const spared = revisionId !== undefined && revisionId === current.rollout?.toRevisionId ? this.spareCandidate(entry, lane) : lane;
    if (spared === undefined) entry.unroutable('nothing_serves');
    else spared.offer(entry);
  }

  offerCopy(copy: RoutedEntry, revisionId: string): void {
    const lane = this.lanes.get(revisionId);
    if (lane === undefined) copy.unroutable('nothing_serves');
    else lane.offer(copy);
  }

  get isBusy(): boolean {
    for (const lane of this.lanes.values()) if (lane.hasCallersWaiting) return true;
    return false;
  }

  /** All that the candidate would have got goes to stable from now on, also what waits for it; and somebody is told, as soon as may be. */
  takeBack(rolloutId: string, fault: Fault): void {
    const { rollout } = this.current;
    if (rollout?.rolloutId !== rolloutId || this.takenBack?.rolloutId === rolloutId || rollout.fromRevisionId === undefined) return;
    this.takenBack = { rolloutId, fault };
    this.parts.reporter.add(rolloutId, fault);
    this.moveToStable(rollout.toRevisionId);
  }

  laneOf(revisionId: string): RevisionLane | undefined {
    return this.lanes.get(revisionId);
  }

  /** The revision that takes most of the traffic: the one that metadata and readiness speak of. */
  mainLane(): RevisionLane | undefined {
    const { split } = this;
    let main = split[0];
    for (const share of split) if (main !== undefined && share.weightPercent > main.weightPercent) main = share;
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

  /** A caller need not wait for a candidate that has no instance, nor go there again after it was lost there. */
  private spareCandidate(entry: RoutedEntry, candidate: RevisionLane | undefined): RevisionLane | undefined {
    if (candidate !== undefined && candidate.readyCount > 0 && entry.isRetry !== true) return candidate;
    const { fromRevisionId } = this.current.rollout ?? {};
    const stable = fromRevisionId === undefined ? undefined : this.lanes.get(fromRevisionId);
    return stable !== undefined && stable.readyCount > 0 ? stable : candidate;
  }

  private moveToStable(revisionId: string): void {
    if (this.current.rollout?.toRevisionId !== revisionId) return;
    const waiting = this.lanes.get(revisionId)?.takeWaiting() ?? [];
    this.rehome(waiting);
  }

  private rehome(entries: readonly RoutedEntry[]): void {
    for (const entry of entries) {
      if (entry.isCopy === true) entry.unroutable('nothing_serves');
      else this.route(entry);
    }
  }

  private updateTrial(): void {
    const { current } = this;
    if (this.takenBack !== undefined && current.rollout?.rolloutId !== this.takenBack.rolloutId) this.takenBack = undefined;
    if (!Trial.isNeeded(current)) this.trial = undefined;
    else if (this.trial === undefined) this.trial = new Trial(this.parts.desk, this, current);
    else this.trial.update(current);
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
