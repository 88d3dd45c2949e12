import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CreateShadow, type Page, PageQuery, ShadowPage, ShadowView } from '@slipway/contracts';
import { type ShadowFacts, ShadowStore } from '@slipway/deployments';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { RolloutEvidence } from './rollout-evidence.js';

@Controller('v1/deployments/:deployment/shadows')
export class ShadowsController {
  private readonly shadows: ShadowStore;

  constructor(
    platform: Platform,
    private readonly evidence: RolloutEvidence,
  ) {
    this.shadows = new ShadowStore(platform.db.prisma);
  }

  @Post()
  @Policy('deploy')
  @Answers(201, ShadowView, 'It gets copies as soon as its instance is ready; callers never get its answers.')
  async create(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Body({ schema: CreateShadow }) body: CreateShadow,
  ): Promise<ShadowView> {
    return this.seen(await this.shadows.create(caller, name, body));
  }

  @Get()
  @Policy('view')
  @Answers(200, ShadowPage, 'Shadows that get copies now, newest first.')
  async list(
    @FromCaller() caller: Caller,
    @Param('deployment') name: string,
    @Query({ schema: PageQuery }) query: PageQuery,
  ): Promise<Page<ShadowView>> {
    const page = await this.shadows.list(caller.projectId, name, query);
    return { ...page, items: await Promise.all(page.items.map((shadow) => this.seen(shadow))) };
  }

  @Get(':shadow')
  @Policy('view')
  @Answers(200, ShadowView)
  async get(@FromCaller() caller: Caller, @Param('deployment') name: string, @Param('shadow') id: string): Promise<ShadowView> {
    return this.seen(await this.shadows.get(caller.projectId, name, id));
  }

  @Delete(':shadow')
  @HttpCode(204)
  @Policy('deploy')
  @Answers(204, undefined, 'No copies any more; its instance stops.')
  remove(@FromCaller() caller: Caller, @Param('deployment') name: string, @Param('shadow') id: string): Promise<void> {
    return this.shadows.remove(caller, name, id);
  }

  private async seen(shadow: ShadowFacts): Promise<ShadowView> {
    return { ...shadow.view, ...(await this.evidence.ofShadow(shadow)) };
  }
}
