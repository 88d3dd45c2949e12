import { Module } from '@nestjs/common';
import { BatchPredictionCreation } from './batch-prediction-creation.js';
import { BatchPredictionsController } from './batch-predictions.controller.js';

@Module({ controllers: [BatchPredictionsController], providers: [BatchPredictionCreation] })
export class BatchPredictionsModule {}
