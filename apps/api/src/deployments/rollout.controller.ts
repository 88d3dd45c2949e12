import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { RolloutAction, RolloutView, SlipwayError } from '@slipway/contracts';
import { RolloutStore } from '@slipway/deployments';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/deployments/:deployment/rollout')
export class RolloutController {
  private readonly rollouts: RolloutStore;

  constructor(platform: Platform) {
    this.rollouts = new RolloutStore(platform.db.prisma);
  }

  @Get()
  @Policy('view')
  @Answers(200, RolloutView, 'The newest rollout.')
  get(@FromCaller() caller: Caller, @Param('deployment') name: string): Promise<RolloutView> {
    return this.rollouts.latest(caller.projectId, name);
  }

  @Post('abort')
  @HttpCode(202)
  @Policy('deploy')
  @Answers(202, RolloutView, 'The rollout ends; traffic stays where it is.')
  abort(@FromCaller() caller: Caller, @Param('deployment') name: string, @Body({ schema: RolloutAction.prefault({}) }) body: RolloutAction) {
    return this.rollouts.abort(caller, name, body.reason);
  }

  @Post(':action')
  @Policy('deploy')
  @Answers(501, undefined, 'A rollout that goes all at once has no steps to pause at, promote or approve.')
  async other(@FromCaller() caller: Caller, @Param('deployment') name: string, @Param('action') action: string): Promise<never> {
    if (!stepActions.includes(action)) throw new SlipwayError('ROUTE_NOT_FOUND', 'a rollout takes abort, pause, resume, promote and approve');
    const { strategy } = await this.rollouts.latest(caller.projectId, name);
    throw new SlipwayError(
      'ROLLOUT_ACTION_UNSUPPORTED',
      `a rollout with the strategy "${strategy}" has no steps to ${action}; abort it or let it finish`,
    );
  }
}

const stepActions = ['pause', 'resume', 'promote', 'approve'];
