import { Module } from '@nestjs/common';
import { GatewayModule } from '../gateway/gateway.module.js';
import { QuotaMetrics } from './quota-metrics.js';
import { QuotasController } from './quotas.controller.js';

@Module({ imports: [GatewayModule], controllers: [QuotasController], providers: [QuotaMetrics] })
export class QuotasModule {}
