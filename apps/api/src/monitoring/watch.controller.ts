import { Body, Controller, Get, Param, Put } from '@nestjs/common';
import { WatchSettings, WatchSettingsView } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { WatchSettingsStore } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/deployments/:deployment/watch')
export class WatchController {
  private readonly deployments: DeploymentStore;
  private readonly settings: WatchSettingsStore;

  constructor({ db }: Platform) {
    this.deployments = new DeploymentStore(db.prisma);
    this.settings = new WatchSettingsStore(db.prisma);
  }

  @Get()
  @Policy('view')
  @Answers(200, WatchSettingsView, 'How the deployment is judged.')
  async get(@FromCaller() caller: Caller, @Param('deployment') name: string): Promise<WatchSettingsView> {
    const { id } = await this.deployments.view(caller.projectId, name);
    return this.settings.get(id);
  }

  @Put()
  @Policy('deploy')
  @Answers(200, WatchSettingsView, 'In place of the settings before; what is absent has its default. Counts from the next judgement on.')
  async set(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Body({ schema: WatchSettings }) body: WatchSettings,
  ): Promise<WatchSettingsView> {
    const { id, name: deployment } = await this.deployments.view(caller.projectId, name);
    return this.settings.set(caller, { id, name: deployment }, body);
  }
}
