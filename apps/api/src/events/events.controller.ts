import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { EventPage, PageQuery } from '@slipway/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { CredentialTable } from '../access/credential-table.js';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { listEvents } from './event.store.js';
import { EventHub } from './event-hub.js';
import { openEventStream } from './event-stream.js';

const EventQuery = PageQuery.extend({ subjectKind: z.string().max(64).optional(), subjectName: z.string().max(256).optional() });
type EventQuery = z.infer<typeof EventQuery>;

@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly platform: Platform,
    private readonly hub: EventHub,
    private readonly credentials: CredentialTable,
  ) {}

  @Get()
  @Policy('view')
  @Answers(200, EventPage, 'The newest events first; with "Accept: text/event-stream" a stream that resumes after Last-Event-ID.')
  async list(
    @FromCaller() caller: Caller,
    @Query({ schema: EventQuery }) query: EventQuery,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    if (request.headers.accept?.includes('text/event-stream') !== true) {
      await reply.send(await listEvents(this.platform.db.prisma, caller.projectId, query));
      return;
    }
    reply.hijack();
    await openEventStream({
      platform: this.platform,
      hub: this.hub,
      projectId: caller.projectId,
      lastEventId: request.headers['last-event-id'],
      response: reply.raw,
      mayRead: () => this.credentials.stillHolds(request.headers.authorization, request.headers.cookie),
    });
  }
}
