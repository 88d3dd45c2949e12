import { Inject, Injectable } from '@nestjs/common';
import { type ArtefactStore, collectArtefact } from '@slipway/registry';
import { Platform } from '../platform.js';
import { ARTEFACTS } from './artefacts.js';

/** Removes the files of deleted versions that nothing else refers to. What fails here is found again by the worker's sweep. */
@Injectable()
export class ArtefactCollector {
  constructor(
    private readonly platform: Platform,
    @Inject(ARTEFACTS) private readonly store: ArtefactStore,
  ) {}

  async collect(digests: readonly string[]): Promise<void> {
    for (const digest of digests) {
      try {
        await collectArtefact(this.platform.db.prisma, this.store, digest);
      } catch (error) {
        this.platform.log.warn({ err: error, digest }, 'artefact not collected');
      }
    }
  }
}
