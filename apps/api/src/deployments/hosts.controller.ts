import { Controller, Get, Query } from '@nestjs/common';
import { HostPage, PageQuery } from '@slipway/contracts';
import { HostStore } from '@slipway/deployments';
import { Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

@Controller('v1/hosts')
export class HostsController {
  private readonly hosts: HostStore;

  constructor(platform: Platform) {
    this.hosts = new HostStore(platform.db.prisma);
  }

  @Get()
  @Policy('view')
  @Answers(200, HostPage, 'Machines that run models, by name.')
  list(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.hosts.list(query);
  }
}
