import { Module } from '@nestjs/common';
import { DatasetUpload } from './dataset-upload.js';
import { DatasetsController } from './datasets.controller.js';
import { EvaluationsController } from './evaluations.controller.js';
import { GatesController } from './gates.controller.js';
import { VersionComparer } from './version-comparer.js';

@Module({ controllers: [DatasetsController, EvaluationsController, GatesController], providers: [DatasetUpload, VersionComparer] })
export class EvaluationsModule {}
