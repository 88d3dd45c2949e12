import { Module, type OnModuleInit } from '@nestjs/common';
import { RunReplayProcessor } from './run-replay.processor.js';

@Module({ providers: [RunReplayProcessor] })
export class ReplaysModule implements OnModuleInit {
  constructor(private readonly processor: RunReplayProcessor) {}

  onModuleInit(): void {
    this.processor.start();
  }
}
