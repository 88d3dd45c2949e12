/** A live instance: what its samples are filed under, and its process. */
export interface SampledInstance {
  readonly instanceId: string;
  readonly projectId: string;
  readonly deploymentId: string;
  readonly deployment: string;
  readonly revisionId: string;
  readonly revision: number;
  readonly versionNumber: number;
  readonly pid: number;
  /** What ends it when it needs more. */
  readonly memoryLimitBytes?: number | undefined;
}

/** What is measured of an instance beside its process. */
export interface InstanceSurroundings {
  /** Time that a quota kept processors away from it since the sample before; its share, where others are under the same quota. Null: there is none. */
  readonly throttled: { readonly seconds: number; readonly periods: number } | null;
  readonly gpuMemoryBytes: number | null;
}

/** What an instance used in one window of ten seconds. Sums since the window's start; memory, threads and files are the highest seen. */
export interface ResourceWindow {
  readonly owner: SampledInstance;
  readonly startAtMs: number;
  readonly coveredSeconds: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  readonly readBytes: number | null;
  readonly writtenBytes: number | null;
  readonly readOperations: number | null;
  readonly writeOperations: number | null;
  readonly threads: number | null;
  readonly openFiles: number | null;
  readonly memoryLimitBytes: number | null;
  readonly throttledSeconds: number | null;
  readonly throttledPeriods: number | null;
  readonly oomKills: number;
  readonly gpuMemoryBytes: number | null;
  readonly reduced: boolean;
}
