import { Module } from '@nestjs/common';
import { LabelsController } from './labels.controller.js';
import { MonitoringController } from './monitoring.controller.js';
import { PredictionsController } from './predictions.controller.js';

@Module({ controllers: [MonitoringController, LabelsController, PredictionsController] })
export class MonitoringModule {}
