import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { Controller, Get, Headers, Inject, Param, Res } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import { SlipwayError } from '@slipway/contracts';
import { HostStore } from '@slipway/deployments';
import { type ArtefactStore, isDigest } from '@slipway/registry';
import type { FastifyReply } from 'fastify';
import { Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { ARTEFACTS } from '../uploads/artefacts.js';
import { startOfRange } from './start-of-range.js';

@Controller('v1/artefacts')
export class ArtefactsController {
  private readonly hosts: HostStore;

  constructor(
    @Inject(ARTEFACTS) private readonly store: ArtefactStore,
    platform: Platform,
  ) {
    this.hosts = new HostStore(platform.db.prisma);
  }

  /** Streams as fast as the host reads; what a lost connection has cost is fetched with a range. */
  @Get(':digest')
  @Policy('host')
  @ApiProduces('application/octet-stream')
  @Answers(
    200,
    undefined,
    'The bytes of a file of a version that is deployed, for hosts that have joined; with "Range: bytes=<from>-" those from there on (206).',
  )
  async get(@Param('digest') digest: string, @Headers('range') range: string | undefined, @Res() reply: FastifyReply): Promise<void> {
    if (!isDigest(digest)) throw new SlipwayError('ARTEFACT_NOT_FOUND', 'an artefact is named by its SHA-256: 64 lower-case hexadecimal digits');
    if (!(await this.hosts.mayFetch(digest))) throw new SlipwayError('ARTEFACT_NOT_FOUND', `nothing that is deployed runs the artefact ${digest}`);
    const from = startOfRange(range);
    const { sizeBytes, stream } = await openFrom(this.store, digest, from);
    void reply.headers({
      'content-type': 'application/octet-stream',
      'content-length': sizeBytes - from,
      'accept-ranges': 'bytes',
      etag: `"${digest}"`,
      'cache-control': 'private, max-age=31536000, immutable',
    });
    if (range !== undefined) void reply.code(206).header('content-range', `bytes ${from}-${sizeBytes - 1}/${sizeBytes}`);
    await reply.send(stream);
  }
}

async function openFrom(store: ArtefactStore, digest: string, from: number): Promise<{ sizeBytes: number; stream: Readable }> {
  const whole = await store.open(digest);
  if (from === 0) return whole;
  const { sizeBytes, stream } = whole;
  const path = await store.localPath(digest);
  if (from < sizeBytes && path === undefined) return { sizeBytes, stream: Readable.from(skipBytes(stream, from)) };
  stream.destroy();
  if (path === undefined || from >= sizeBytes)
    throw new SlipwayError('REQUEST_INVALID', `the artefact has ${sizeBytes} bytes; none begin at ${from}`);
  return { sizeBytes, stream: createReadStream(path, { start: from, highWaterMark: 1024 * 1024 }) };
}

async function* skipBytes(stream: Readable, count: number): AsyncGenerator<Buffer> {
  let left = count;
  for await (const piece of stream) {
    const bytes = Buffer.from(piece);
    if (bytes.length > left) yield bytes.subarray(left);
    left = Math.max(0, left - bytes.length);
  }
}
