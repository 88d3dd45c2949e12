import { Module, type OnModuleInit } from '@nestjs/common';
import { AdvanceRolloutProcessor } from './advance-rollout.processor.js';

@Module({ providers: [AdvanceRolloutProcessor] })
export class RolloutsModule implements OnModuleInit {
  constructor(private readonly processor: AdvanceRolloutProcessor) {}

  onModuleInit(): void {
    this.processor.start();
  }
}
