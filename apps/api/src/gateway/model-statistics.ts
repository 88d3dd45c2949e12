import type { Outcome } from '@slipway/contracts';
import type { RoutingDeployment, RoutingSnapshot } from '@slipway/deployments';
import type { ServedRequest } from '@slipway/metrics';

/**
 * How often, and for how long altogether. Whole nanoseconds; above 2^53 (104 days) the sum is the nearest double, which still never goes
 * backwards.
 */
export interface StatisticDuration {
  readonly count: number;
  readonly ns: number;
}

/** The counters of one version, in the protocol's own words. */
export interface VersionStatistics {
  readonly name: string;
  readonly version: string;
  /** Epoch ms; 0 when nothing was answered yet. */
  readonly last_inference: number;
  /** Rows that were predicted. */
  readonly inference_count: number;
  /** Runs of the model. */
  readonly execution_count: number;
  readonly inference_stats: Readonly<
    Record<'success' | 'fail' | 'queue' | 'compute_input' | 'compute_infer' | 'compute_output' | 'cache_hit' | 'cache_miss', StatisticDuration>
  >;
  readonly response_stats: Readonly<Record<string, never>>;
  readonly batch_stats: readonly BatchStatistics[];
  readonly memory_usage: readonly never[];
}

export interface BatchStatistics {
  readonly batch_size: number;
  readonly compute_input: StatisticDuration;
  readonly compute_infer: StatisticDuration;
  readonly compute_output: StatisticDuration;
}

/** Sizes of runs that are told apart exactly; further ones are counted under the next power of two, so that the list stays short. */
export const maxBatchSizes = 256;

/**
 * What the protocol's statistics route shows: cumulative per deployment and version. Kept in the gateway and not in the instances, so
 * that the counters go on over restarts of instances and over revisions. What leaves the routing snapshot is forgotten, which is the bound.
 */
export class ModelStatistics {
  private byRevision: ReadonlyMap<string, VersionCounters> = new Map();
  private byDeployment: ReadonlyMap<string, ReadonlyMap<number, VersionCounters>> = new Map();

  constructor(private readonly now: () => number = Date.now) {}

  /** Takes the next snapshot: keeps the counters of every version that is still in it. */
  retain(snapshot: RoutingSnapshot): void {
    const byRevision = new Map<string, VersionCounters>();
    const byDeployment = new Map<string, ReadonlyMap<number, VersionCounters>>();
    for (const deployments of snapshot.projects.values()) {
      for (const { deploymentId, revisions } of deployments.values()) {
        const before = this.byDeployment.get(deploymentId);
        const versions = new Map<number, VersionCounters>();
        for (const { revisionId, versionNumber } of revisions) {
          const counters = versions.get(versionNumber) ?? before?.get(versionNumber) ?? new VersionCounters();
          versions.set(versionNumber, counters);
          byRevision.set(revisionId, counters);
        }
        byDeployment.set(deploymentId, versions);
      }
    }
    this.byRevision = byRevision;
    this.byDeployment = byDeployment;
  }

  /** Counts an ended request. On the hot path: one map look-up; a request that reached no revision belongs to no version. */
  record(request: ServedRequest): void {
    this.byRevision.get(request.revisionId)?.count(request, this.now());
  }

  /** The counters of a deployment's versions, ascending; empty when it has none, or not the one that is asked for. */
  of(deployment: RoutingDeployment, version?: number): VersionStatistics[] {
    const versions = this.byDeployment.get(deployment.deploymentId) ?? new Map<number, VersionCounters>();
    return [...versions]
      .filter(([number]) => version === undefined || number === version)
      .toSorted(([a], [b]) => a - b)
      .map(([number, counters]) => counters.show(deployment.name, String(number)));
  }
}

/** Outcomes that ended with a prediction. */
function isAnswered(outcome: Outcome): boolean {
  return outcome === 'success' || outcome === 'nan_output' || outcome === 'out_of_range_output';
}

class VersionCounters {
  private lastInference = 0;
  private rows = 0;
  private runs = 0;
  private readonly success = new Duration();
  private readonly fail = new Duration();
  private readonly queue = new Duration();
  private readonly run = new RunDurations();
  private readonly bySize = new Map<number, RunDurations>();

  count(request: ServedRequest, now: number): void {
    if (!isAnswered(request.outcome)) {
      this.fail.add(request.durationSeconds);
      return;
    }
    const runs = request.runs ?? 1;
    this.lastInference = Math.max(this.lastInference, now);
    this.rows += request.rows;
    this.runs += runs;
    this.success.add(request.durationSeconds);
    this.queue.add(request.queueSeconds);
    this.run.add(request);
    // A joined run is counted once, with its first request.
    if (runs > 0) this.ofSize(request.batchRows ?? request.rows).add(request);
  }

  show(name: string, version: string): VersionStatistics {
    const none = { count: 0, ns: 0 };
    return {
      name,
      version,
      last_inference: this.lastInference,
      inference_count: this.rows,
      execution_count: this.runs,
      inference_stats: {
        success: this.success.show(),
        fail: this.fail.show(),
        queue: this.queue.show(),
        ...this.run.show(),
        cache_hit: none,
        cache_miss: none,
      },
      response_stats: {},
      batch_stats: [...this.bySize].toSorted(([a], [b]) => a - b).map(([size, run]) => ({ batch_size: size, ...run.show() })),
      memory_usage: [],
    };
  }

  private ofSize(rows: number): RunDurations {
    const known = this.bySize.get(rows);
    if (known !== undefined) return known;
    const size = this.bySize.size < maxBatchSizes ? rows : 2 ** Math.ceil(Math.log2(Math.max(1, rows)));
    const run = this.bySize.get(size) ?? new RunDurations();
    this.bySize.set(size, run);
    return run;
  }
}

/** The three parts of a run. */
class RunDurations {
  private readonly input = new Duration();
  private readonly infer = new Duration();
  private readonly output = new Duration();

  add(request: ServedRequest): void {
    this.input.add(request.decodeSeconds);
    this.infer.add(request.computeSeconds);
    this.output.add(request.encodeSeconds);
  }

  show() {
    return { compute_input: this.input.show(), compute_infer: this.infer.show(), compute_output: this.output.show() };
  }
}

class Duration {
  private count = 0;
  private ns = 0;

  add(seconds = 0): void {
    this.count += 1;
    this.ns += Math.round(seconds * 1e9);
  }

  show(): StatisticDuration {
    return { count: this.count, ns: this.ns };
  }
}
