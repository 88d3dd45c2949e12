import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ChangeSlo, CreateSlo, PageQuery, SloPage, SloView } from '@slipway/contracts';
import { DeploymentStore } from '@slipway/deployments';
import { type SloOwner, SloStore } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

/** What a deployment promises. */
@Controller('v1/deployments/:deployment/slos')
export class SlosController {
  private readonly slos: SloStore;
  private readonly deployments: DeploymentStore;

  constructor({ db }: Platform) {
    this.slos = new SloStore(db.prisma);
    this.deployments = new DeploymentStore(db.prisma);
  }

  @Post()
  @Policy('deploy')
  @Answers(201, SloView, 'Judged from now on. An objective that could never fire is refused.')
  async create(@FromCaller() caller: Caller, @Param('deployment') name: string, @Body({ schema: CreateSlo }) body: CreateSlo): Promise<SloView> {
    return this.slos.create(caller, await this.owner(caller, name), body);
  }

  @Get()
  @Policy('view')
  @Answers(200, SloPage, 'Objectives by name.')
  async list(@FromCaller() caller: Caller, @Param('deployment') name: string, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.slos.list(await this.owner(caller, name), query);
  }

  @Get(':slo')
  @Policy('view')
  @Answers(200, SloView)
  async get(@FromCaller() caller: Caller, @Param('deployment') name: string, @Param('slo') slo: string): Promise<SloView> {
    return this.slos.get(await this.owner(caller, name), slo);
  }

  @Patch(':slo')
  @Policy('deploy')
  @Answers(200, SloView, 'What is absent stays as it was.')
  async change(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Param('slo') slo: string,
    @Body({ schema: ChangeSlo }) body: ChangeSlo,
  ): Promise<SloView> {
    return this.slos.change(caller, await this.owner(caller, name), slo, body);
  }

  @Delete(':slo')
  @HttpCode(204)
  @Policy('deploy')
  @Answers(204, undefined, 'Deleted; what was judged of it stays.')
  async remove(@FromCaller() caller: Caller, @Param('deployment') name: string, @Param('slo') slo: string): Promise<void> {
    await this.slos.remove(caller, await this.owner(caller, name), slo);
  }

  private async owner(caller: Caller, name: string): Promise<SloOwner> {
    const { id, name: deployment, task } = await this.deployments.view(caller.projectId, name);
    return { id, name: deployment, task: task ?? undefined };
  }
}
