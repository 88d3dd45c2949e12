import { Module } from '@nestjs/common';
import { openArtefactStore } from '@slipway/registry';
import { Platform } from '../platform.js';
import { AliasesController } from './aliases.controller.js';
import { ArtefactCollector } from './artefact-collector.js';
import { ARTEFACTS } from './artefacts.js';
import { ModelsController } from './models.controller.js';
import { StagingSweep } from './staging-sweep.js';
import { UploadParser } from './upload/upload-parser.js';
import { VersionUpload } from './upload/version-upload.js';
import { VersionsController } from './versions.controller.js';

@Module({
  controllers: [ModelsController, VersionsController, AliasesController],
  providers: [
    {
      provide: ARTEFACTS,
      inject: [Platform],
      useFactory: ({ settings, home }: Platform) => openArtefactStore({ url: settings.ARTEFACT_URL, home }),
    },
    ArtefactCollector,
    StagingSweep,
    UploadParser,
    VersionUpload,
  ],
})
export class ModelsModule {}
