import { Controller, Get, Query } from '@nestjs/common';
import { PageQuery, RolloutPage } from '@slipway/contracts';
import { RolloutStore } from '@slipway/deployments';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/rollouts')
export class RolloutsController {
  private readonly rollouts: RolloutStore;

  constructor(platform: Platform) {
    this.rollouts = new RolloutStore(platform.db.prisma);
  }

  @Get()
  @Policy('view')
  @Answers(200, RolloutPage, 'Rollouts of all deployments, newest first.')
  list(@FromCaller() caller: Caller, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.rollouts.list(caller.projectId, undefined, query);
  }
}
