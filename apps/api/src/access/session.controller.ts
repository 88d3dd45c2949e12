import { Body, Controller, Delete, Get, HttpCode, Post, Req, Res } from '@nestjs/common';
import { SessionView, SignIn, SlipwayError } from '@slipway/contracts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { CredentialTable, sessionCookie } from './credential-table.js';
import { Policy } from './policy.js';
import { refuseCrossSite } from './refuse-cross-site.js';
import { type NewSession, SessionStore, sessionAbsoluteMs } from './session.store.js';

@Controller('v1/session')
export class SessionController {
  private readonly sessions: SessionStore;

  constructor(
    private readonly platform: Platform,
    private readonly credentials: CredentialTable,
  ) {
    this.sessions = new SessionStore(platform.db.prisma);
  }

  @Post()
  @Policy('public')
  @Answers(201, SessionView, 'Signed in; the session is in the cookie.')
  async signIn(
    @Req() request: FastifyRequest,
    @Body({ schema: SignIn }) body: SignIn,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SessionView> {
    if (request.headers['sec-fetch-site'] !== undefined || request.headers.origin !== undefined) refuseCrossSite(request.method, request.headers);
    const opened = 'token' in body ? await this.sessions.redeem(body.token) : await this.signInWithKey(body.key);
    await this.credentials.refresh();
    reply.header('set-cookie', this.cookie(opened.token, sessionAbsoluteMs / 1000));
    return toView(opened);
  }

  @Get()
  @Policy('public')
  @Answers(200, SessionView)
  show(@Req() request: FastifyRequest): SessionView {
    const resolved = this.credentials.resolve(request.headers.authorization, request.headers.cookie);
    if (!resolved.ok) throw new SlipwayError(resolved.code, resolved.message);
    return { actor: resolved.actor, project: 'default', scopes: [...resolved.scopes], expiresAt: null };
  }

  @Delete()
  @HttpCode(204)
  @Policy('public')
  @Answers(204, undefined, 'Signed out.')
  async signOut(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<void> {
    refuseCrossSite(request.method, request.headers);
    const token = new RegExp(`(?:^|; *)${sessionCookie}=([^;]+)`).exec(request.headers.cookie ?? '')?.[1];
    if (token !== undefined) {
      await this.sessions.close(token);
      await this.credentials.refresh();
    }
    reply.header('set-cookie', this.cookie('', 0));
  }

  private async signInWithKey(key: string): Promise<NewSession> {
    const resolved = this.credentials.resolve(`Bearer ${key}`, undefined);
    // A session would outlive the token that opened it.
    if (!resolved.ok || resolved.isInternal)
      throw new SlipwayError('CREDENTIAL_INVALID', 'this key is not known here: it may be mistyped, expired or revoked');
    return this.sessions.openFor({ projectId: resolved.projectId, actor: resolved.actor, scopes: resolved.scopes });
  }

  /** `Secure` wherever people come over https; a plain loopback address cannot carry it in every browser. */
  private cookie(value: string, maxAgeSeconds: number): string {
    const secure = this.platform.publicUrl.startsWith('https:') ? '; Secure' : '';
    return `${sessionCookie}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${secure}`;
  }
}

function toView(opened: NewSession): SessionView {
  return { actor: opened.principal.actor, project: 'default', scopes: [...opened.principal.scopes], expiresAt: opened.expiresAt.toISOString() };
}
