import { Module, type OnModuleInit } from '@nestjs/common';
import { ValidateVersionProcessor } from './validate-version.processor.js';

@Module({ providers: [ValidateVersionProcessor] })
export class VersionsModule implements OnModuleInit {
  constructor(private readonly processor: ValidateVersionProcessor) {}

  onModuleInit(): void {
    this.processor.start();
  }
}
