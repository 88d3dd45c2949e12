import { Global, Module } from '@nestjs/common';
import { openArtefactStore } from '@slipway/registry';
import { Platform } from '../platform.js';
import { ArtefactCollector } from './artefact-collector.js';
import { ARTEFACTS } from './artefacts.js';
import { StagingSweep } from './staging-sweep.js';
import { UploadParser } from './upload-parser.js';

/** The artefact store, and what every route that takes a file needs. */
@Global()
@Module({
  providers: [
    {
      provide: ARTEFACTS,
      inject: [Platform],
      useFactory: ({ settings, home }: Platform) => openArtefactStore({ url: settings.ARTEFACT_URL, home, keys: settings }),
    },
    ArtefactCollector,
    StagingSweep,
    UploadParser,
  ],
  exports: [ARTEFACTS, ArtefactCollector],
})
export class UploadsModule {}
