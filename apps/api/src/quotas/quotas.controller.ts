import { Body, Controller, Delete, Get, HttpCode, Param, Put, Query } from '@nestjs/common';
import { PageQuery, QuotaPage, QuotaView, SetQuota } from '@slipway/contracts';
import { QuotaStore } from '@slipway/deployments';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Gateway } from '../gateway/gateway.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { QuotaViews } from './quota-views.js';

@Controller('v1/quotas')
export class QuotasController {
  private readonly quotas: QuotaStore;
  private readonly views: QuotaViews;

  constructor(platform: Platform, gateway: Gateway) {
    this.quotas = new QuotaStore(platform.db.prisma);
    this.views = new QuotaViews(platform.db.prisma, gateway.quotas);
  }

  @Get()
  @Policy('view')
  @Answers(200, QuotaPage, 'What the project and its limited deployments may take, and what they take now.')
  list(@FromCaller() caller: Caller, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.views.list(caller.projectId, query);
  }

  @Get(':scope')
  @Policy('view')
  @Answers(200, QuotaView, 'The scope is "project" or "deployment:<name>".')
  get(@FromCaller() caller: Caller, @Param('scope') scope: string): Promise<QuotaView> {
    return this.views.get(caller.projectId, scope);
  }

  @Put(':scope')
  @Policy('admin')
  @Answers(200, QuotaView, 'In place of the limits before; counts within a second.')
  async set(@FromCaller() caller: Caller, @Param('scope') scope: string, @Body({ schema: SetQuota }) body: SetQuota): Promise<QuotaView> {
    await this.quotas.set(caller, await this.quotas.scope(caller.projectId, scope), body);
    return this.views.get(caller.projectId, scope);
  }

  @Delete(':scope')
  @HttpCode(204)
  @Policy('admin')
  @Answers(204, undefined, 'Nothing is limited any more.')
  async remove(@FromCaller() caller: Caller, @Param('scope') scope: string): Promise<void> {
    await this.quotas.remove(caller, await this.quotas.scope(caller.projectId, scope));
  }
}
