import { Module } from '@nestjs/common';
import { FreezeWindowsController } from './freeze-windows.controller.js';
import { RolloutPilot } from './rollout-pilot.js';
import { RolloutPlansController } from './rollout-plans.controller.js';
import { RolloutSteering } from './rollout-steering.js';
import { RolloutsController } from './rollouts.controller.js';

@Module({ controllers: [RolloutsController, RolloutPlansController, FreezeWindowsController], providers: [RolloutPilot, RolloutSteering] })
export class RolloutsModule {}
