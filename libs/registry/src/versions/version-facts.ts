import type { Signature, Task, VersionFootprint, VersionView } from '@slipway/contracts';

/** What the file says about itself: IR version, producer, opsets, properties, operators. */
export type VersionMetadata = NonNullable<VersionView['metadata']>;

/** What the validation found out about a version that can be served. */
export interface ReadyFacts {
  readonly signature: Signature;
  readonly task: Task | undefined;
  readonly footprint: VersionFootprint;
  /** Rows given together got the same answers as given one by one; undefined when it could not be tried. */
  readonly rowsIndependent?: boolean | undefined;
  /** Things worth knowing that do not stand in the way. */
  readonly notes: readonly string[];
}
