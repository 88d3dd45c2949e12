import { Controller, Get, Param, Query } from '@nestjs/common';
import { JudgementList, JudgementsQuery } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { JudgementStore } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/deployments/:deployment/judgements')
export class JudgementsController {
  private readonly deployments: DeploymentStore;
  private readonly judgements: JudgementStore;

  constructor({ db }: Platform) {
    this.deployments = new DeploymentStore(db.prisma);
    this.judgements = new JudgementStore(db.pool);
  }

  @Get()
  @Policy('view')
  @Answers(200, JudgementList, 'The newest judgement of each thing that is watched of the deployment.')
  async list(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: JudgementsQuery }) query: JudgementsQuery,
  ): Promise<JudgementList> {
    const { id } = await this.deployments.view(caller.projectId, name);
    const current = await this.judgements.current(id, query.kind === undefined ? undefined : [query.kind]);
    return { items: current.filter(({ verdict }) => query.verdict === undefined || verdict === query.verdict) };
  }
}
