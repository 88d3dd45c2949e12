import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { SlipwayError } from '@slipway/contracts';
import { JoinTokenStore } from '@slipway/deployments';
import type { FastifyRequest } from 'fastify';
import { setHostCaller } from '../hosts/host-caller.js';
import { Platform } from '../platform.js';
import { CredentialTable } from './credential-table.js';
import { allows, policyKey, type RoutePolicy, setCaller } from './policy.js';
import { refuseCrossSite } from './refuse-cross-site.js';

/** Lets a request in only when its credential allows the route's policy. Deny by default: no policy, no entry. */
@Injectable()
export class PolicyGuard implements CanActivate {
  private readonly hosts: JoinTokenStore;

  constructor(
    private readonly reflector: Reflector,
    private readonly credentials: CredentialTable,
    platform: Platform,
  ) {
    this.hosts = new JoinTokenStore(platform.db.prisma);
  }

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const policy = this.reflector.getAllAndOverride<RoutePolicy | undefined>(policyKey, [context.getHandler(), context.getClass()]);
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (policy === undefined) throw new SlipwayError('INTERNAL', 'this route has no policy', { details: { url: request.url } });
    if (policy === 'public') return true;
    if (policy === 'host') return this.admitHost(request);
    const resolved = this.credentials.resolve(request.headers.authorization, request.headers.cookie);
    if (!resolved.ok) throw new SlipwayError(resolved.code, resolved.message);
    if (resolved.isInternal) throw new SlipwayError('SCOPE_MISSING', 'an internal credential is for predictions only');
    if (resolved.viaCookie) refuseCrossSite(request.method, request.headers);
    if (!policy.some((scope) => allows(resolved.scopes, scope)))
      throw new SlipwayError(
        'SCOPE_MISSING',
        `this needs the scope "${policy.join('" or "')}"; the credential has: ${resolved.scopes.join(', ') || 'none'}`,
      );
    setCaller(request, { projectId: resolved.projectId, actor: resolved.actor, scopes: resolved.scopes, requestId: request.id });
    return true;
  }

  /** Hosts call seldom, so each call asks the database: a removed host is out at once. */
  private async admitHost(request: FastifyRequest): Promise<boolean> {
    const credential = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(request.headers.authorization ?? '')?.[1];
    if (credential === undefined)
      throw new SlipwayError('CREDENTIAL_MISSING', 'this is for hosts that have joined: send "Authorization: Bearer <credential>"');
    const host = await this.hosts.hostOf(credential);
    if (host === undefined) throw new SlipwayError('CREDENTIAL_INVALID', 'this is for hosts that have joined, and no host has this credential');
    setHostCaller(request, host);
    return true;
  }
}
