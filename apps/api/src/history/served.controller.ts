import { Controller, Get, Param, Query } from '@nestjs/common';
import { ServedPage, ServedQuery } from '@slipway/contracts';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { HistoryReader } from './history-reader.js';

@Controller('v1/deployments/:deployment/served')
export class ServedController {
  private readonly reader: HistoryReader;

  constructor(platform: Platform) {
    this.reader = new HistoryReader(platform);
  }

  @Get()
  @Policy('view')
  @Answers(
    200,
    ServedPage,
    'Which version took which share of the traffic, from when to when and by whose change; oldest first, deleted deployments included.',
  )
  list(@FromCaller() caller: Caller, @Param('deployment') name: string, @Query({ schema: ServedQuery }) query: ServedQuery) {
    return this.reader.served(caller.projectId, name, query);
  }
}
