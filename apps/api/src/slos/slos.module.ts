import { Module } from '@nestjs/common';
import { SloMetrics } from './slo-metrics.js';
import { SlosController } from './slos.controller.js';

@Module({ controllers: [SlosController], providers: [SloMetrics] })
export class SlosModule {}
