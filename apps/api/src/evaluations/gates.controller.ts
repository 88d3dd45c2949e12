import { Body, Controller, Get, Param, Put, Query } from '@nestjs/common';
import { CompareQuery, GatesView, GateVerdicts, SetGates, VersionComparison } from '@slipway/contracts';
import { GateStore, parseVersionNumber } from '@slipway/registry';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { VersionComparer } from './version-comparer.js';

@Controller('v1/models/:model')
export class GatesController {
  private readonly gates: GateStore;

  constructor(
    platform: Platform,
    private readonly comparer: VersionComparer,
  ) {
    this.gates = new GateStore(platform.db.prisma);
  }

  @Get('gates')
  @Policy('view')
  @Answers(200, GatesView)
  get(@FromCaller() caller: Caller, @Param('model') model: string): Promise<GatesView> {
    return this.gates.get(caller.projectId, model);
  }

  @Put('gates')
  @Policy('develop')
  @Answers(200, GatesView, 'The whole list is replaced. Versions that serve already go on serving.')
  set(@FromCaller() caller: Caller, @Param('model') model: string, @Body({ schema: SetGates }) body: SetGates): Promise<GatesView> {
    return this.gates.set(caller, model, body);
  }

  @Get('versions/:version/gates')
  @Policy('view')
  @Answers(200, GateVerdicts, 'Every gate of the model, judged for this version from what is known now.')
  judge(@FromCaller() caller: Caller, @Param('model') model: string, @Param('version') version: string): Promise<GateVerdicts> {
    return this.gates.judge(caller.projectId, model, parseVersionNumber(model, version));
  }

  @Get('compare')
  @Policy('view')
  @Answers(200, VersionComparison, 'Two to four versions on the same labelled rows; the first is what the others are compared with.')
  compare(@FromCaller() caller: Caller, @Param('model') model: string, @Query({ schema: CompareQuery }) query: CompareQuery) {
    return this.comparer.compare(caller.projectId, model, query);
  }
}
