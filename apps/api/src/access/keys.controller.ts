import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CreateKey, KeyCreated, KeyPage, PageQuery } from '@slipway/contracts';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { KeyStore } from './key.store.js';
import { type Caller, FromCaller, Policy } from './policy.js';

@Controller('v1/keys')
export class KeysController {
  private readonly keys: KeyStore;

  constructor(platform: Platform) {
    this.keys = new KeyStore(platform.db.prisma);
  }

  @Post()
  @Policy('admin')
  @Answers(201, KeyCreated, 'The key; its secret is shown here and never again.')
  async create(@FromCaller() caller: Caller, @Body({ schema: CreateKey }) body: CreateKey): Promise<KeyCreated> {
    const { view, secret } = await this.keys.create(caller, body);
    return { ...view, secret };
  }

  @Get()
  @Policy('admin')
  @Answers(200, KeyPage)
  list(@FromCaller() caller: Caller, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.keys.list(caller.projectId, query);
  }

  @Delete(':name')
  @HttpCode(204)
  @Policy('admin')
  @Answers(204, undefined, 'Revoked; it stops working within a second.')
  revoke(@FromCaller() caller: Caller, @Param('name') name: string): Promise<void> {
    return this.keys.revoke(caller, name);
  }
}
