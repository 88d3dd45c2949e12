import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { SlipwayError } from '@slipway/contracts';
import type { FastifyInstance } from 'fastify';

/** Route configuration of routes that take a body as a stream. */
export const streamedUpload = { streamedUpload: true } as const;

/** Types of bodies that are files. */
const fileTypes = ['application/octet-stream', 'application/x-ndjson', 'text/csv'] as const;

/** Hands bodies that are files to upload routes unread, so that no body limit and no memory is spent on them; other routes refuse them. */
@Injectable()
export class UploadParser implements OnModuleInit {
  constructor(private readonly http: HttpAdapterHost) {}

  onModuleInit(): void {
    const instance: FastifyInstance = this.http.httpAdapter.getInstance();
    for (const type of fileTypes) {
      instance.addContentTypeParser(type, (request, _payload, done) => {
        if (Reflect.get(request.routeOptions.config, 'streamedUpload') === true) done(null);
        else done(new SlipwayError('MEDIA_TYPE_UNSUPPORTED', `expected application/json; given ${type}`));
      });
    }
  }
}
