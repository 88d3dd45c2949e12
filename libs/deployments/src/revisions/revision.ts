import type { RevisionSpec } from '@slipway/contracts';

/** An immutable snapshot of what to run, with the facts of its version that placement and views need. */
export interface Revision {
  readonly id: string;
  readonly deploymentId: string;
  readonly number: number;
  readonly versionId: string;
  readonly versionNumber: number;
  readonly digest: string;
  /** Memory one instance is expected to take: measured while validating, else estimated from the file's size. */
  readonly memoryBytes: number;
  readonly replicas: number;
  readonly spec: RevisionSpec;
  readonly reason: string | undefined;
  readonly createdBy: string;
  readonly createdAt: Date;
  /** When it first took traffic. */
  readonly activatedAt: Date | undefined;
  /** When it last stopped taking traffic. */
  readonly retiredAt: Date | undefined;
  /** Why instances of it are missing: no host has room for them. */
  readonly unplacedReason: string | undefined;
}
