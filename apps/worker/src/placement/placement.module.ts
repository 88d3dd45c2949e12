import { Module, type OnModuleInit } from '@nestjs/common';
import { PlanInstancesProcessor } from './plan-instances.processor.js';

@Module({ providers: [PlanInstancesProcessor] })
export class PlacementModule implements OnModuleInit {
  constructor(private readonly planner: PlanInstancesProcessor) {}

  onModuleInit(): void {
    this.planner.start();
  }
}
