import { Module } from '@nestjs/common';
import { FreezeWindowsController } from './freeze-windows.controller.js';
import { RolloutEvidence } from './rollout-evidence.js';
import { RolloutPilot } from './rollout-pilot.js';
import { RolloutPlansController } from './rollout-plans.controller.js';
import { RolloutSteering } from './rollout-steering.js';
import { RolloutsController } from './rollouts.controller.js';
import { ShadowsController } from './shadows.controller.js';

@Module({
  controllers: [RolloutsController, RolloutPlansController, FreezeWindowsController, ShadowsController],
  providers: [RolloutPilot, RolloutSteering, RolloutEvidence],
})
export class RolloutsModule {}
