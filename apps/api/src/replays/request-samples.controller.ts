import { Controller, Delete, Get, HttpCode, Param } from '@nestjs/common';
import { DeletedRequestSamples, RequestSamplesView } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { RequestSampleStore } from '@slipway/metrics';
import { recordEvent } from '@slipway/platform';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/deployments/:deployment/request-samples')
export class RequestSamplesController {
  private readonly samples: RequestSampleStore;
  private readonly deployments: DeploymentStore;

  constructor(private readonly platform: Platform) {
    this.samples = new RequestSampleStore(platform.db.pool);
    this.deployments = new DeploymentStore(platform.db.prisma);
  }

  @Get()
  @Policy('view')
  @Answers(200, RequestSamplesView, 'How many real requests are kept for replays, and of what time; never their contents.')
  async get(@FromCaller() caller: Caller, @Param('deployment') name: string): Promise<RequestSamplesView> {
    return this.samples.summary(await this.deployments.view(caller.projectId, name));
  }

  @Delete()
  @HttpCode(200)
  @Policy('deploy')
  @Answers(200, DeletedRequestSamples, 'All of them are gone; what a revision still samples is kept from now on.')
  async remove(@FromCaller() caller: Caller, @Param('deployment') name: string) {
    const { id, name: deployment } = await this.deployments.view(caller.projectId, name);
    const removed = await this.samples.remove(id);
    await this.platform.db.prisma.$transaction((tx) =>
      recordEvent(tx, { ...caller, action: 'request-samples.deleted', subject: { kind: 'deployment', id, name: deployment }, before: removed }),
    );
    return removed;
  }
}
