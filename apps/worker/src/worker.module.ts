import { type DynamicModule, Global, Module, type Provider } from '@nestjs/common';
import { createRegistry } from '@slipway/metrics';
import { AlertsModule } from './alerts/alerts.module.js';
import { BatchPredictionsModule } from './batch-predictions/batch-predictions.module.js';
import { EvaluationsModule } from './evaluations/evaluations.module.js';
import { HealthServer, REGISTRY } from './health/health-server.js';
import { Jobs } from './jobs/jobs.js';
import { OutboxRelay } from './jobs/outbox-relay.js';
import { MEMBERSHIP, type Membership } from './joining/membership.js';
import { JudgingModule } from './judging/judging.module.js';
import { MonitoringModule } from './monitoring/monitoring.module.js';
import { PlacementModule } from './placement/placement.module.js';
import { Platform } from './platform.js';
import { ReferencesModule } from './references/references.module.js';
import { ReplaysModule } from './replays/replays.module.js';
import { RolloutsModule } from './rollouts/rollouts.module.js';
import { SupervisingModule } from './supervising/supervising.module.js';
import { VersionsModule } from './versions/versions.module.js';

/** What every feature may inject: the platform, the job runner and the registry of metrics. */
@Global()
@Module({})
class PlatformModule {
  static with(platform: Platform, membership: Membership | null): DynamicModule {
    const providers: Provider[] = [
      { provide: Platform, useValue: platform },
      { provide: MEMBERSHIP, useValue: membership },
      { provide: REGISTRY, useFactory: () => createRegistry('worker') },
      Jobs,
    ];
    return { module: PlatformModule, providers, exports: [Platform, MEMBERSHIP, REGISTRY, Jobs] };
  }
}

@Module({})
export class WorkerModule {
  /** On a host that has joined only what concerns its instances: jobs need the installation's key and its artefacts, which stay where the API is. */
  static with(platform: Platform, membership: Membership | null): DynamicModule {
    const everywhere = [PlatformModule.with(platform, membership), SupervisingModule, PlacementModule, MonitoringModule];
    const besideApi = [
      RolloutsModule,
      VersionsModule,
      AlertsModule,
      BatchPredictionsModule,
      ReplaysModule,
      EvaluationsModule,
      ReferencesModule,
      JudgingModule,
    ];
    return {
      module: WorkerModule,
      imports: membership === null ? [...everywhere, ...besideApi] : everywhere,
      providers: [OutboxRelay, HealthServer],
    };
  }
}
