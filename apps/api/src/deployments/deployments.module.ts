import { Module } from '@nestjs/common';
import { DeploymentsController } from './deployments.controller.js';
import { RevisionsController } from './revisions.controller.js';
import { RolloutController } from './rollout.controller.js';

@Module({ controllers: [DeploymentsController, RevisionsController, RolloutController] })
export class DeploymentsModule {}
