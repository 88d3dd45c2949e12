import { Module, type OnModuleInit } from '@nestjs/common';
import { BuildReferenceProcessor } from './build-reference.processor.js';

@Module({ providers: [BuildReferenceProcessor] })
export class ReferencesModule implements OnModuleInit {
  constructor(private readonly processor: BuildReferenceProcessor) {}

  onModuleInit(): void {
    this.processor.start();
  }
}
