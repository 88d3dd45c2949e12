import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import {
  HistoryComparison,
  HistoryComparisonQuery,
  type HistoryKind,
  HistoryPage,
  HistoryQuery,
  HistoryRestored,
  RestoreHistory,
  SlipwayError,
} from '@slipway/contracts';
import { allows, type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { HistoryReader } from './history-reader.js';
import { HistoryRestorer } from './history-restorer.js';

/** Who may see them now may see them then. */
const kindsOfAdmins: ReadonlySet<string> = new Set<HistoryKind>(['key', 'join-token']);

@Controller('v1/history')
export class HistoryController {
  private readonly reader: HistoryReader;
  private readonly restorer: HistoryRestorer;

  constructor(platform: Platform) {
    this.reader = new HistoryReader(platform);
    this.restorer = new HistoryRestorer(platform, this.reader);
  }

  @Get()
  @Policy('view')
  @Answers(200, HistoryPage, 'The project as it was at a time, or after an event; by kind and name.')
  state(@FromCaller() caller: Caller, @Query({ schema: HistoryQuery }) query: HistoryQuery): Promise<HistoryPage> {
    return this.reader.state(caller.projectId, query, hiddenFrom(caller));
  }

  @Get('compare')
  @Policy('view')
  @Answers(200, HistoryComparison, 'What differs between two moments, value by value.')
  compare(@FromCaller() caller: Caller, @Query({ schema: HistoryComparisonQuery }) query: HistoryComparisonQuery): Promise<HistoryComparison> {
    return this.reader.compare(caller.projectId, query, hiddenFrom(caller));
  }

  @Post('restore')
  @HttpCode(200)
  @Policy('deploy', 'develop')
  @Answers(200, HistoryRestored, 'Put back by a new change with its own event; on a dry run, what would change and what stands against it.')
  restore(@FromCaller() caller: Caller, @Body({ schema: RestoreHistory }) body: RestoreHistory): Promise<HistoryRestored> {
    // What is put back is changed, and asks for what that change asks for elsewhere.
    const needed = body.what === 'alias' ? 'develop' : 'deploy';
    if (!allows(caller.scopes, needed))
      throw new SlipwayError('SCOPE_MISSING', `to put back a thing of the kind "${body.what}" needs the scope "${needed}"`);
    return this.restorer.restore(caller, body);
  }
}

function hiddenFrom({ scopes }: Caller): ReadonlySet<string> {
  return allows(scopes, 'admin') ? new Set() : kindsOfAdmins;
}
