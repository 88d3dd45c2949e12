import type { ProfileLayout } from '@slipway/contracts';
import type { Database } from '@slipway/platform';
import type { LayoutSource } from '../profiles/layout-source.js';
import { ActiveReferenceStore } from './reference.store.js';

/** Layouts by which instances count: those of active references. A version that is to learn anew has none until it has. */
export class ReferenceLayouts implements LayoutSource {
  private readonly active: ActiveReferenceStore;

  constructor(private readonly db: Database) {
    this.active = new ActiveReferenceStore(db);
  }

  async layoutsFor(versionIds: readonly string[]): Promise<ReadonlyMap<string, ProfileLayout>> {
    const learning = await this.db.referenceProfile.findMany({
      where: { versionId: { in: [...versionIds] }, source: 'learned', status: 'BUILDING' },
      select: { versionId: true },
    });
    const withheld = new Set(learning.map(({ versionId }) => versionId));
    const layouts = new Map<string, ProfileLayout>();
    for (const [versionId, { id, digest }] of await this.active.activeDigests(versionIds)) {
      const body = withheld.has(versionId) ? undefined : await this.active.bodyOf(id, digest);
      if (body !== undefined) layouts.set(versionId, body.layout);
    }
    return layouts;
  }
}
