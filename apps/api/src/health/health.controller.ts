import { Controller, Get, HttpCode, Req, Res } from '@nestjs/common';
import { SlipwayError } from '@slipway/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CredentialTable } from '../access/credential-table.js';
import { allows, Policy } from '../access/policy.js';
import { Platform } from '../platform.js';
import { Readiness } from './readiness.js';

@Controller()
export class HealthController {
  constructor(
    private readonly platform: Platform,
    private readonly readiness: Readiness,
    private readonly credentials: CredentialTable,
  ) {}

  @Get('health/live')
  @HttpCode(200)
  @Policy('public')
  live() {
    return { live: true };
  }

  @Get('health/ready')
  @Policy('public')
  async ready(@Res({ passthrough: true }) reply: FastifyReply) {
    const problems = await this.readiness.problems();
    reply.code(problems.length === 0 ? 200 : 503);
    return problems.length === 0 ? { ready: true } : { ready: false, problems };
  }

  @Get('metrics')
  @Policy('public')
  async metrics(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    this.refuseStrangers(request);
    const { registry } = this.readiness;
    await reply.type(registry.contentType).send(await registry.metrics());
  }

  /** On loopback everybody on the machine may scrape; elsewhere a scraper brings a key that may view. */
  private refuseStrangers(request: FastifyRequest): void {
    const listen = this.platform.settings.SLIPWAY_LISTEN;
    if (listen === 'localhost' || listen === '::1' || listen.startsWith('127.')) return;
    const resolved = this.credentials.resolve(request.headers.authorization, request.headers.cookie);
    if (!resolved.ok) throw new SlipwayError(resolved.code, resolved.message);
    if (!allows(resolved.scopes, 'view')) throw new SlipwayError('SCOPE_MISSING', 'reading metrics needs the scope "view"');
  }
}
