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
  readonly reduced: boolean;
}
