import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { DeliveryPage, DeliveryView, PageQuery, ResourceName } from '@slipway/contracts';
import { DeliveryStore } from '@slipway/metrics';
import type { z } from 'zod';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

const DeliveryQuery = PageQuery.extend({ receiver: ResourceName.optional() });
type DeliveryQuery = z.infer<typeof DeliveryQuery>;

@Controller('v1/deliveries')
export class DeliveriesController {
  private readonly deliveries: DeliveryStore;

  constructor({ db }: Platform) {
    this.deliveries = new DeliveryStore(db.prisma);
  }

  @Get()
  @Policy('view')
  @Answers(200, DeliveryPage, 'Every notice, the newest first, with how its last attempt went.')
  list(@FromCaller() caller: Caller, @Query({ schema: DeliveryQuery }) query: DeliveryQuery) {
    return this.deliveries.list(caller.projectId, query);
  }

  @Post(':delivery/replay')
  @HttpCode(202)
  @Policy('deploy')
  @Answers(202, DeliveryView, 'Sent again from the beginning of its schedule, under the same id.')
  replay(@FromCaller() caller: Caller, @Param('delivery') id: string): Promise<DeliveryView> {
    return this.deliveries.replay(caller, id);
  }
}
