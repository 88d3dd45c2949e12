import { Module } from '@nestjs/common';
import { AnomaliesController } from './anomalies.controller.js';
import { DriftController } from './drift.controller.js';
import { FailuresController } from './failures.controller.js';
import { HostResourcesController } from './host-resources.controller.js';
import { JudgementsController } from './judgements.controller.js';
import { LabelsController } from './labels.controller.js';
import { NoiseController } from './noise.controller.js';
import { PredictionsController } from './predictions.controller.js';
import { QualityController } from './quality.controller.js';
import { ResourcesController } from './resources.controller.js';
import { ServingController } from './serving.controller.js';
import { SloController } from './slo.controller.js';
import { WatchController } from './watch.controller.js';

@Module({
  controllers: [
    AnomaliesController,
    DriftController,
    FailuresController,
    HostResourcesController,
    JudgementsController,
    NoiseController,
    LabelsController,
    PredictionsController,
    QualityController,
    ResourcesController,
    ServingController,
    SloController,
    WatchController,
  ],
})
export class MonitoringModule {}
