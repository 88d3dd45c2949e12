import { Module, type OnModuleInit } from '@nestjs/common';
import { RunBatchPredictionProcessor } from './run-batch-prediction.processor.js';

@Module({ providers: [RunBatchPredictionProcessor] })
export class BatchPredictionsModule implements OnModuleInit {
  constructor(private readonly processor: RunBatchPredictionProcessor) {}

  onModuleInit(): void {
    this.processor.start();
  }
}
