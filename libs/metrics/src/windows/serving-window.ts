import type { Role } from '@slipway/contracts';
import type { RequestFacts, ServingSums } from './serving-sums.js';

/** One answered or refused request and what it belongs to. `revisionId` is empty when no revision could be picked. */
export interface ServedRequest extends RequestFacts {
  readonly projectId: string;
  readonly deploymentId: string;
  readonly deployment: string;
  readonly revisionId: string;
  readonly revision: number;
  readonly versionNumber: number;
  readonly role: Role;
}

/** What a series of windows belongs to. */
export type ServingOwner = Pick<ServedRequest, 'projectId' | 'deploymentId' | 'deployment' | 'revisionId' | 'revision' | 'versionNumber' | 'role'>;

/** The running totals of one series in one window of ten seconds. */
export interface ServingWindow {
  readonly owner: ServingOwner;
  readonly startAtMs: number;
  readonly sums: ServingSums;
}

/** A (revision, role) that the recorder counts. */
export interface ServingSeries {
  readonly owner: ServingOwner;
  /** Whether /metrics shows it; false over the cap of series. */
  readonly exposed: boolean;
  /** Sums of the closed windows. */
  readonly closed: ServingSums;
  open: OpenWindow;
}

/** The window that requests are counted into. */
export interface OpenWindow extends ServingWindow {
  /** Requests that the database already has. */
  flushedRequests: number;
}
