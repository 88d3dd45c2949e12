import { Module, type OnModuleInit } from '@nestjs/common';
import { EvaluateVersionProcessor } from './evaluate-version.processor.js';

@Module({ providers: [EvaluateVersionProcessor] })
export class EvaluationsModule implements OnModuleInit {
  constructor(private readonly processor: EvaluateVersionProcessor) {}

  onModuleInit(): void {
    this.processor.start();
  }
}
