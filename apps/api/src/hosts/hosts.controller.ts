import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import {
  AskRecordKeys,
  ChangeHost,
  CreateJoinToken,
  HostCertificate,
  HostJoined,
  HostPage,
  HostView,
  JoinHost,
  JoinTokenCreated,
  JoinTokenPage,
  PageQuery,
  RecordKeys,
  RenewHostCertificate,
  SlipwayError,
} from '@slipway/contracts';
import { HostStore, JoinTokenStore, projectRunBy } from '@slipway/deployments';
import { recordKeys } from '@slipway/metrics';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';
import { HostAuthority } from './host-authority.js';
import { FromHost, type HostCaller } from './host-caller.js';
import { RequestId } from './request-id.js';

@Controller('v1/hosts')
export class HostsController {
  private readonly hosts: HostStore;
  private readonly tokens: JoinTokenStore;

  constructor(
    private readonly platform: Platform,
    private readonly authority: HostAuthority,
  ) {
    this.hosts = new HostStore(platform.db.prisma);
    this.tokens = new JoinTokenStore(platform.db.prisma);
  }

  @Get()
  @Policy('view')
  @Answers(200, HostPage, 'Machines that run models, by name.')
  list(@Query({ schema: PageQuery }) query: PageQuery) {
    return this.hosts.list(query);
  }

  @Post('join-tokens')
  @Policy('admin')
  @Answers(201, JoinTokenCreated, 'The token; it is shown here and never again.')
  async createToken(@FromCaller() caller: Caller, @Body({ schema: CreateJoinToken.prefault({}) }) body: CreateJoinToken): Promise<JoinTokenCreated> {
    const { view, token } = await this.tokens.create(changeBy(caller), body);
    return { ...view, token };
  }

  @Get('join-tokens')
  @Policy('admin')
  @Answers(200, JoinTokenPage)
  listTokens(@FromCaller() caller: Caller, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.tokens.list(caller.projectId, query);
  }

  @Delete('join-tokens/:id')
  @HttpCode(204)
  @Policy('admin')
  @Answers(204, undefined, 'Revoked; hosts that have joined with it stay.')
  revokeToken(@FromCaller() caller: Caller, @Param('id') id: string): Promise<void> {
    return this.tokens.revoke(changeBy(caller), id);
  }

  @Post('join')
  @Policy('public')
  @Answers(201, HostJoined, 'Joined; the token in the body is the credential. What it answers is shown here and never again.')
  async join(@Body({ schema: JoinHost }) body: JoinHost, @RequestId() requestId: string): Promise<HostJoined> {
    // Signing takes time, so it is not for everybody.
    await this.tokens.check(body.token);
    // Before the token is spent: what is wrong with the key, or with the authority, must not cost a use of it.
    const sign = await this.authority.signer(body.publicKey);
    const joined = await this.tokens.join(body.token, body.name, requestId);
    return { ...joined, certificate: await sign(joined.hostId) };
  }

  @Post(':id/certificate')
  @Policy('host')
  @Answers(201, HostCertificate, 'A fresh certificate for the host whose credential was sent.')
  async renew(@FromHost() host: HostCaller, @Param('id') id: string, @Body({ schema: RenewHostCertificate }) body: RenewHostCertificate) {
    if (id !== host.hostId) throw new SlipwayError('SCOPE_MISSING', 'a host renews its own certificate and no other');
    const sign = await this.authority.signer(body.publicKey);
    return sign(host.hostId);
  }

  @Post(':id/record-keys')
  @Policy('host')
  @Answers(201, RecordKeys, 'Keys for the inputs in prediction records of a deployment that the host runs instances of.')
  async recordKeys(@FromHost() host: HostCaller, @Param('id') id: string, @Body({ schema: AskRecordKeys }) { deploymentId }: AskRecordKeys) {
    const projectId = id === host.hostId ? await projectRunBy(this.platform.db.prisma, id, deploymentId) : undefined;
    if (projectId === undefined)
      throw new SlipwayError('SCOPE_MISSING', 'a host is given the keys of deployments that it runs instances of, and no others');
    return recordKeys(this.platform.masterKey, { projectId, deploymentId });
  }

  @Get(':host')
  @Policy('view')
  @Answers(200, HostView)
  get(@Param('host') name: string): Promise<HostView> {
    return this.hosts.view(name);
  }

  @Patch(':host')
  @Policy('admin')
  @Answers(200, HostView, 'Cordoned, drained or labelled; the planner follows at once.')
  change(@FromCaller() caller: Caller, @Param('host') name: string, @Body({ schema: ChangeHost }) body: ChangeHost): Promise<HostView> {
    return this.hosts.change(changeBy(caller), name, body);
  }

  @Delete(':host')
  @HttpCode(204)
  @Policy('admin')
  @Answers(204, undefined, 'Removed, its credential with it.')
  remove(@FromCaller() caller: Caller, @Param('host') name: string): Promise<void> {
    return this.hosts.remove(changeBy(caller), name);
  }
}

function changeBy({ projectId, actor, requestId }: Caller) {
  return { projectId, actor, requestId };
}
