import { type DynamicModule, Global, Module, type Provider } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, DiscoveryModule } from '@nestjs/core';
import { createRegistry } from '@slipway/metrics';
import { AccessModule } from './access/access.module.js';
import { PolicyGuard } from './access/policy.guard.js';
import { AlertsModule } from './alerts/alerts.module.js';
import { BatchPredictionsModule } from './batch-predictions/batch-predictions.module.js';
import { DeploymentsModule } from './deployments/deployments.module.js';
import { EvaluationsModule } from './evaluations/evaluations.module.js';
import { EventsModule } from './events/events.module.js';
import { GatewayModule } from './gateway/gateway.module.js';
import { HealthController } from './health/health.controller.js';
import { Readiness } from './health/readiness.js';
import { HistoryModule } from './history/history.module.js';
import { HostsModule } from './hosts/hosts.module.js';
import { IdempotencyInterceptor } from './http/idempotency.interceptor.js';
import { ModelsModule } from './models/models.module.js';
import { MonitoringModule } from './monitoring/monitoring.module.js';
import { Platform, REGISTRY } from './platform.js';
import { QuotasModule } from './quotas/quotas.module.js';
import { ReferencesModule } from './references/references.module.js';
import { ReplaysModule } from './replays/replays.module.js';
import { RolloutsModule } from './rollouts/rollouts.module.js';
import { SlosModule } from './slos/slos.module.js';
import { UploadsModule } from './uploads/uploads.module.js';

/** What every feature may inject: the platform and the registry of metrics. */
@Global()
@Module({})
class PlatformModule {
  static with(platform: Platform): DynamicModule {
    const providers: Provider[] = [
      { provide: Platform, useValue: platform },
      { provide: REGISTRY, useFactory: () => createRegistry('api') },
    ];
    return { module: PlatformModule, providers, exports: [Platform, REGISTRY] };
  }
}

@Module({})
export class AppModule {
  static with(platform: Platform): DynamicModule {
    return {
      module: AppModule,
      imports: [
        PlatformModule.with(platform),
        DiscoveryModule,
        AccessModule,
        BatchPredictionsModule,
        DeploymentsModule,
        EvaluationsModule,
        EventsModule,
        GatewayModule,
        HistoryModule,
        HostsModule,
        ModelsModule,
        RolloutsModule,
        ReferencesModule,
        ReplaysModule,
        UploadsModule,
        MonitoringModule,
        QuotasModule,
        AlertsModule,
        SlosModule,
      ],
      controllers: [HealthController],
      providers: [Readiness, { provide: APP_GUARD, useClass: PolicyGuard }, { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor }],
    };
  }
}
