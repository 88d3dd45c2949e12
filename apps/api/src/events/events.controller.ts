import { Readable } from 'node:stream';
import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { EventExportQuery, EventPage, EventQuery } from '@slipway/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CredentialTable } from '../access/credential-table.js';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { exportEvents, listEvents } from './event.store.js';
import { EventHub } from './event-hub.js';
import { eventLines } from './event-lines.js';
import { openEventStream } from './event-stream.js';

const contentTypes = { ndjson: 'application/x-ndjson; charset=utf-8', csv: 'text/csv; charset=utf-8; header=present' } as const;

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

  @Get('export')
  @Policy('audit')
  @Answers(200, undefined, 'All events that are asked for, oldest first, as NDJSON or CSV (RFC 4180, with a head).')
  async export(
    @FromCaller() caller: Caller,
    @Query({ schema: EventExportQuery }) query: EventExportQuery,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { format, ...choice } = query;
    const events = exportEvents(this.platform.db.prisma, caller.projectId, choice);
    await reply
      .header('content-disposition', `attachment; filename="slipway-events.${format}"`)
      .header('cache-control', 'private, no-store')
      .header('x-content-type-options', 'nosniff')
      .type(contentTypes[format])
      .send(Readable.from(eventLines(events, format)));
  }
}
