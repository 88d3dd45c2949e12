import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { PageQuery, RolloutAction, RolloutDetail, RolloutPage, rolloutActions, SlipwayError } from '@slipway/contracts';
import { RolloutStore, RolloutWishStore } from '@slipway/deployments';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/deployments/:deployment')
export class RolloutController {
  private readonly rollouts: RolloutStore;
  private readonly wishes: RolloutWishStore;

  constructor(platform: Platform) {
    this.rollouts = new RolloutStore(platform.db.prisma);
    this.wishes = new RolloutWishStore(platform.db.prisma);
  }

  @Get('rollout')
  @Policy('view')
  @Answers(200, RolloutDetail, 'The newest rollout with every step of its walk and what each was decided by.')
  get(@FromCaller() caller: Caller, @Param('deployment') name: string): Promise<RolloutDetail> {
    return this.rollouts.latest(caller.projectId, name);
  }

  @Get('rollouts')
  @Policy('view')
  @Answers(200, RolloutPage, 'Rollouts of the deployment, newest first.')
  list(@FromCaller() caller: Caller, @Param('deployment') name: string, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.rollouts.list(caller.projectId, name, query);
  }

  @Post('rollout/:action')
  @HttpCode(202)
  @Policy('deploy')
  @Answers(202, RolloutDetail, 'Noted: `pause`, `resume`, `promote`, `approve`, `abort` or `undo`, as far as the rollout says that it is possible.')
  async act(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Param('action') text: string,
    @Body({ schema: RolloutAction.prefault({}) }) body: RolloutAction,
  ): Promise<RolloutDetail> {
    const action = rolloutActions.find((known) => known === text);
    if (action === undefined) throw new SlipwayError('ROUTE_NOT_FOUND', `a rollout takes ${rolloutActions.join(', ')}`);
    return this.wishes.act(caller, name, action, body.reason);
  }
}
