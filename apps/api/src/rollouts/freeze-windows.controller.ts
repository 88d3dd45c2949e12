import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CreateFreezeWindow, FreezeWindowPage, FreezeWindowView, PageQuery } from '@slipway/contracts';
import { FreezeWindowStore } from '@slipway/deployments';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/freeze-windows')
export class FreezeWindowsController {
  private readonly windows: FreezeWindowStore;

  constructor(platform: Platform) {
    this.windows = new FreezeWindowStore(platform.db.prisma);
  }

  @Post()
  @Policy('deploy')
  @Answers(201, FreezeWindowView, 'No rollout moves forward while it is open; taking back is possible at any time.')
  create(@FromCaller() caller: Caller, @Body({ schema: CreateFreezeWindow }) body: CreateFreezeWindow): Promise<FreezeWindowView> {
    return this.windows.create(caller, body);
  }

  @Get()
  @Policy('view')
  @Answers(200, FreezeWindowPage, 'Freeze windows by name.')
  list(@FromCaller() caller: Caller, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.windows.list(caller.projectId, query);
  }

  @Get(':window')
  @Policy('view')
  @Answers(200, FreezeWindowView)
  get(@FromCaller() caller: Caller, @Param('window') name: string): Promise<FreezeWindowView> {
    return this.windows.get(caller.projectId, name);
  }

  @Delete(':window')
  @HttpCode(204)
  @Policy('deploy')
  @Answers(204, undefined, 'Deleted; what waited for its end goes on.')
  remove(@FromCaller() caller: Caller, @Param('window') name: string): Promise<void> {
    return this.windows.remove(caller, name);
  }
}
