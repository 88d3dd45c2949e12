import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { AlertRulePage, AlertRuleView, ChangeAlertRule, CreateAlertRule, PageQuery } from '@slipway/contracts';
import { DeploymentStore, deploymentNames } from '@slipway/deployments';
import { AlertRuleStore } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/alert-rules')
export class AlertRulesController {
  private readonly rules: AlertRuleStore;
  private readonly deployments: DeploymentStore;

  constructor({ db }: Platform) {
    this.rules = new AlertRuleStore(db.prisma, (ids) => deploymentNames(db.prisma, ids));
    this.deployments = new DeploymentStore(db.prisma);
  }

  @Post()
  @Policy('deploy')
  @Answers(201, AlertRuleView)
  async create(@FromCaller() caller: Caller, @Body({ schema: CreateAlertRule }) body: CreateAlertRule): Promise<AlertRuleView> {
    const { id } = await this.deployments.view(caller.projectId, body.params.deployment);
    return this.rules.create(caller, body, id);
  }

  @Get()
  @Policy('view')
  @Answers(200, AlertRulePage, 'Rules by name, each with its last judgement.')
  list(@FromCaller() caller: Caller, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.rules.list(caller.projectId, query);
  }

  @Get(':rule')
  @Policy('view')
  @Answers(200, AlertRuleView)
  get(@FromCaller() caller: Caller, @Param('rule') name: string): Promise<AlertRuleView> {
    return this.rules.get(caller.projectId, name);
  }

  @Patch(':rule')
  @Policy('deploy')
  @Answers(200, AlertRuleView)
  change(
    @FromCaller() caller: Caller,
    @Param('rule') name: string,
    @Body({ schema: ChangeAlertRule }) body: ChangeAlertRule,
  ): Promise<AlertRuleView> {
    return this.rules.change(caller, name, body);
  }

  @Delete(':rule')
  @HttpCode(204)
  @Policy('deploy')
  @Answers(204, undefined, 'Deleted, with its alerts; the log of what was sent stays.')
  remove(@FromCaller() caller: Caller, @Param('rule') name: string): Promise<void> {
    return this.rules.remove(caller, name);
  }
}
