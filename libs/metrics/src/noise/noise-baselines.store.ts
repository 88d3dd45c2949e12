import { VersionFootprint } from '@slipway/contracts';
import type { Database } from '@slipway/platform';
import { ActiveReferenceStore } from '../references/reference.store.js';
import type { KnownNoise } from './noise-baseline.js';

/** What is known of versions' noise from before they served: measured on the rows of the active reference, or when they were validated. */
export class NoiseBaselineStore {
  private readonly references: ActiveReferenceStore;

  constructor(private readonly db: Database) {
    this.references = new ActiveReferenceStore(db);
  }

  /** @returns undefined where nothing was measured. */
  async of(versionId: string): Promise<KnownNoise | undefined> {
    const reference = await this.references.activeReference(versionId);
    if (reference !== undefined && reference.body.noise !== null) return { source: 'reference', probes: reference.body.noise };
    const row = await this.db.version.findUnique({ where: { id: versionId }, select: { footprint: true } });
    const { noise } = VersionFootprint.nullable().safeParse(row?.footprint ?? null).data ?? {};
    return noise === undefined ? undefined : { source: 'validation', probes: noise };
  }
}
