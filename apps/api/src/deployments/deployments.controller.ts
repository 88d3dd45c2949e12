import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ChangeDeployment, CreateDeployment, DeploymentPage, DeploymentView, PageQuery, Rollback } from '@slipway/contracts';
import { DeploymentStore, RollbackStore } from '@slipway/deployments';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/deployments')
export class DeploymentsController {
  private readonly deployments: DeploymentStore;
  private readonly rollbacks: RollbackStore;

  constructor(platform: Platform) {
    this.deployments = new DeploymentStore(platform.db.prisma);
    this.rollbacks = new RollbackStore(platform.db.prisma);
  }

  @Post()
  @Policy('deploy')
  @Answers(201, DeploymentView, 'Created; its first revision is on its way.')
  create(@FromCaller() caller: Caller, @Body({ schema: CreateDeployment }) body: CreateDeployment): Promise<DeploymentView> {
    return this.deployments.create(caller, body);
  }

  @Get()
  @Policy('view')
  @Answers(200, DeploymentPage, 'Deployments by name.')
  list(@FromCaller() caller: Caller, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.deployments.list(caller.projectId, query);
  }

  @Get(':deployment')
  @Policy('view')
  @Answers(200, DeploymentView)
  get(@FromCaller() caller: Caller, @Param('deployment') name: string): Promise<DeploymentView> {
    return this.deployments.view(caller.projectId, name);
  }

  @Patch(':deployment')
  @Policy('deploy')
  @Answers(200, DeploymentView, 'Suspended or resumed.')
  change(@FromCaller() caller: Caller, @Param('deployment') name: string, @Body({ schema: ChangeDeployment }) body: ChangeDeployment) {
    return this.deployments.suspend(caller, name, body);
  }

  @Delete(':deployment')
  @HttpCode(204)
  @Policy('deploy')
  @Answers(204, undefined, 'Deleted; its instances are drained and its name is free.')
  remove(@FromCaller() caller: Caller, @Param('deployment') name: string): Promise<void> {
    return this.deployments.remove(caller, name);
  }

  @Post(':deployment/rollback')
  @HttpCode(202)
  @Policy('deploy')
  @Answers(202, DeploymentView, 'Rolled back: at once when the revision is warm, else as soon as it is ready.')
  async rollBack(@FromCaller() caller: Caller, @Param('deployment') name: string, @Body({ schema: Rollback.prefault({}) }) body: Rollback) {
    await this.rollbacks.rollBack(caller, name, body);
    return this.deployments.view(caller.projectId, name);
  }
}
