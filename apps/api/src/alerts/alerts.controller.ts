import { Controller, Get, Param, Query } from '@nestjs/common';
import { AlertPage, AlertView, alertStates, PageQuery } from '@slipway/contracts';
import { AlertStore } from '@slipway/metrics';
import { z } from 'zod';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

const AlertQuery = PageQuery.extend({ state: z.enum(alertStates).optional() });
type AlertQuery = z.infer<typeof AlertQuery>;

@Controller('v1/alerts')
export class AlertsController {
  private readonly alerts: AlertStore;

  constructor({ db }: Platform) {
    this.alerts = new AlertStore(db.prisma);
  }

  @Get()
  @Policy('view')
  @Answers(200, AlertPage, 'The newest first; without a state all that were ever pending.')
  list(@FromCaller() caller: Caller, @Query({ schema: AlertQuery }) query: AlertQuery) {
    return this.alerts.list(caller.projectId, query);
  }

  @Get(':alert')
  @Policy('view')
  @Answers(200, AlertView)
  get(@FromCaller() caller: Caller, @Param('alert') id: string): Promise<AlertView> {
    return this.alerts.get(caller.projectId, id);
  }
}
