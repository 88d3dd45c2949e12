import { Module } from '@nestjs/common';
import { AliasesController } from './aliases.controller.js';
import { ModelsController } from './models.controller.js';
import { VersionCompatibility } from './version-compatibility.js';
import { VersionUpload } from './version-upload.js';
import { VersionsController } from './versions.controller.js';

@Module({ controllers: [ModelsController, VersionsController, AliasesController], providers: [VersionUpload, VersionCompatibility] })
export class ModelsModule {}
