import { Module } from '@nestjs/common';
import { AliasesController } from './aliases.controller.js';
import { ModelsController } from './models.controller.js';
import { VersionUpload } from './version-upload.js';
import { VersionsController } from './versions.controller.js';

@Module({ controllers: [ModelsController, VersionsController, AliasesController], providers: [VersionUpload] })
export class ModelsModule {}
