import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CreateRevision, DeploymentView, PageQuery, RevisionPage } from '@slipway/contracts';
import { DeploymentStore, RevisionStore } from '@slipway/deployments';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/deployments/:deployment/revisions')
export class RevisionsController {
  private readonly deployments: DeploymentStore;
  private readonly revisions: RevisionStore;

  constructor(platform: Platform) {
    this.deployments = new DeploymentStore(platform.db.prisma);
    this.revisions = new RevisionStore(platform.db.prisma);
  }

  @Post()
  @HttpCode(202)
  @Policy('deploy')
  @Answers(202, DeploymentView, 'The rollout to the new revision has begun.')
  async create(@FromCaller() caller: Caller, @Param('deployment') name: string, @Body({ schema: CreateRevision }) body: CreateRevision) {
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
