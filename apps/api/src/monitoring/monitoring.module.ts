import { Module } from '@nestjs/common';
import { LabelsController } from './labels.controller.js';
import { MonitoringController } from './monitoring.controller.js';
import { PredictionsController } from './predictions.controller.js';
import { WatchController } from './watch.controller.js';

@Module({ controllers: [MonitoringController, LabelsController, PredictionsController, WatchController] })
export class MonitoringModule {}
