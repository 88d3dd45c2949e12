import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { AliasView, pageOf, SetAlias } from '@slipway/contracts';
import { AliasStore } from '@slipway/registry';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/models/:model/aliases')
export class AliasesController {
  private readonly aliases: AliasStore;

  constructor(platform: Platform) {
    this.aliases = new AliasStore(platform.db.prisma);
  }

  @Get()
  @Policy('view')
  @Answers(200, pageOf(AliasView), 'All aliases; a model has at most 200.')
  async list(@FromCaller() caller: Caller, @Param('model') model: string) {
    return { items: await this.aliases.list(caller.projectId, model) };
  }

  @Put(':alias')
  @Policy('develop')
  @Answers(200, AliasView, 'The alias points to this version now.')
  set(@FromCaller() caller: Caller, @Param('model') model: string, @Param('alias') alias: string, @Body({ schema: SetAlias }) body: SetAlias) {
    return this.aliases.set(caller, model, alias, body);
  }

  @Delete(':alias')
  @HttpCode(204)
  @Policy('develop')
  @Answers(204)
  remove(@FromCaller() caller: Caller, @Param('model') model: string, @Param('alias') alias: string): Promise<void> {
    return this.aliases.remove(caller, model, alias);
  }
}
