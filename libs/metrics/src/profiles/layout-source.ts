import type { ProfileLayout } from '@slipway/contracts';

/** Where frozen layouts come from: the references of versions. */
export interface LayoutSource {
  /** The layout of each version's active reference; a version without one is missing. */
  layoutsFor(versionIds: readonly string[]): Promise<ReadonlyMap<string, ProfileLayout>>;
}

/** No version has a reference. */
export const noLayouts: LayoutSource = { layoutsFor: () => Promise.resolve(new Map()) };
