import { type DynamicModule, Global, Module, type Provider } from '@nestjs/common';
import { createRegistry } from '@slipway/metrics';
import { AlertsModule } from './alerts/alerts.module.js';
import { BatchPredictionsModule } from './batch-predictions/batch-predictions.module.js';
import { EvaluationsModule } from './evaluations/evaluations.module.js';
import { HealthServer, REGISTRY } from './health/health-server.js';
import { Jobs } from './jobs/jobs.js';
import { OutboxRelay } from './jobs/outbox-relay.js';
import { MonitoringModule } from './monitoring/monitoring.module.js';
import { PlacementModule } from './placement/placement.module.js';
import { Platform } from './platform.js';
import { ReplaysModule } from './replays/replays.module.js';
import { RolloutsModule } from './rollouts/rollouts.module.js';
import { SupervisingModule } from './supervising/supervising.module.js';
import { VersionsModule } from './versions/versions.module.js';

/** What every feature may inject: the platform, the job runner and the registry of metrics. */
@Global()
@Module({})
class PlatformModule {
  static with(platform: Platform): DynamicModule {
    const providers: Provider[] = [
      { provide: Platform, useValue: platform },
      { provide: REGISTRY, useFactory: () => createRegistry('worker') },
      Jobs,
    ];
    return { module: PlatformModule, providers, exports: [Platform, REGISTRY, Jobs] };
  }
}

@Module({})
export class WorkerModule {
  static with(platform: Platform): DynamicModule {
    return {
      module: WorkerModule,
      imports: [
        PlatformModule.with(platform),
        SupervisingModule,
        PlacementModule,
        RolloutsModule,
        VersionsModule,
        MonitoringModule,
        AlertsModule,
        BatchPredictionsModule,
        ReplaysModule,
        EvaluationsModule,
      ],
      providers: [OutboxRelay, HealthServer],
    };
  }
}
