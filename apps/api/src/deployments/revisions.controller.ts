import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CreateRevision, DeploymentView, PageQuery, RevisionPage } from '@slipway/contracts';
import { DeploymentStore, NamedPlanStore, RevisionStore } from '@slipway/deployments';
import { ReceiverStore } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { requireHookReceivers } from '../rollouts/require-hook-receivers.js';

@Controller('v1/deployments/:deployment/revisions')
export class RevisionsController {
  private readonly deployments: DeploymentStore;
  private readonly revisions: RevisionStore;
  private readonly plans: NamedPlanStore;
  private readonly receivers: ReceiverStore;

  constructor({ db, masterKey }: Platform) {
    this.deployments = new DeploymentStore(db.prisma);
    this.revisions = new RevisionStore(db.prisma);
    this.plans = new NamedPlanStore(db.prisma);
    this.receivers = new ReceiverStore(db.prisma, masterKey);
  }

  @Post()
  @HttpCode(202)
  @Policy('deploy')
  @Answers(202, DeploymentView, 'The rollout to the new revision has begun.')
  async create(@FromCaller() caller: Caller, @Param('deployment') name: string, @Body({ schema: CreateRevision }) body: CreateRevision) {
    const plan = typeof body.plan === 'string' ? (await this.plans.get(caller.projectId, body.plan)).plan : body.plan;
    if (plan !== undefined) await requireHookReceivers(this.receivers, caller.projectId, plan);
    await this.revisions.create(caller, name, body);
    return this.deployments.view(caller.projectId, name);
  }

  @Get()
  @Policy('view')
  @Answers(200, RevisionPage, 'Revisions, newest first.')
  list(@FromCaller() caller: Caller, @Param('deployment') name: string, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.revisions.list(caller.projectId, name, query);
  }
}
