import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CreateRolloutPlan, PageQuery, RolloutPlanPage, RolloutPlanView } from '@slipway/contracts';
import { NamedPlanStore } from '@slipway/deployments';
import { ReceiverStore } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { requireHookReceivers } from './require-hook-receivers.js';

@Controller('v1/rollout-plans')
export class RolloutPlansController {
  private readonly plans: NamedPlanStore;
  private readonly receivers: ReceiverStore;

  constructor({ db, masterKey }: Platform) {
    this.plans = new NamedPlanStore(db.prisma);
    this.receivers = new ReceiverStore(db.prisma, masterKey);
  }

  @Post()
  @Policy('deploy')
  @Answers(201, RolloutPlanView, 'Kept. The same name again is its next revision; the same plan again is the same revision.')
  async create(@FromCaller() caller: Caller, @Body({ schema: CreateRolloutPlan }) body: CreateRolloutPlan): Promise<RolloutPlanView> {
    await requireHookReceivers(this.receivers, caller.projectId, body.plan);
    return this.plans.create(caller, body);
  }

  @Get()
  @Policy('view')
  @Answers(200, RolloutPlanPage, 'The latest revision of each plan, by name.')
  list(@FromCaller() caller: Caller, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.plans.list(caller.projectId, query);
  }

  @Get(':plan')
  @Policy('view')
  @Answers(200, RolloutPlanView, 'Its latest revision.')
  get(@FromCaller() caller: Caller, @Param('plan') name: string): Promise<RolloutPlanView> {
    return this.plans.get(caller.projectId, name);
  }

  @Delete(':plan')
  @HttpCode(204)
  @Policy('deploy')
  @Answers(204, undefined, 'Not offered any more; rollouts keep the copy that they were started with.')
  remove(@FromCaller() caller: Caller, @Param('plan') name: string): Promise<void> {
    return this.plans.remove(caller, name);
  }
}
