import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CreateReceiver, DeliveryView, PageQuery, ReceiverCreated, ReceiverPage, ReceiverView } from '@slipway/contracts';
import { DeliveryStore, ReceiverStore } from '@slipway/metrics';
import { Egress, parseEgressAllow } from '@slipway/platform';
import { type Caller, FromCaller, Policy } from '../access/policy.js';
import { Answers } from '../http/answers.js';
import { Platform } from '../platform.js';

/** How long a test waits for the worker's first attempt before it answers with what is known. */
const testWaitMs = 8_000;
const testLookMs = 150;

@Controller('v1/receivers')
export class ReceiversController {
  private readonly receivers: ReceiverStore;
  private readonly deliveries: DeliveryStore;
  private readonly egress: Egress;

  constructor(private readonly platform: Platform) {
    const { db, masterKey, settings } = platform;
    this.receivers = new ReceiverStore(db.prisma, masterKey);
    this.deliveries = new DeliveryStore(db.prisma);
    const ownHosts = settings.SLIPWAY_PUBLIC_URL === undefined ? [] : [new URL(settings.SLIPWAY_PUBLIC_URL).hostname];
    this.egress = new Egress({ allow: parseEgressAllow(settings.SLIPWAY_EGRESS_ALLOW), ownHosts });
  }

  @Post()
  @Policy('deploy')
  @Answers(201, ReceiverCreated, 'The receiver; the secret that signs a webhook is shown here and never again.')
  async create(@FromCaller() caller: Caller, @Body({ schema: CreateReceiver }) body: CreateReceiver): Promise<ReceiverCreated> {
    if (body.kind === 'WEBHOOK') await this.egress.check(body.url);
    const { view, secret } = await this.receivers.create(caller, body);
    return { ...view, ...(secret === undefined ? {} : { secret }) };
  }

  @Get()
  @Policy('view')
  @Answers(200, ReceiverPage)
  list(@FromCaller() caller: Caller, @Query({ schema: PageQuery }) query: PageQuery) {
    return this.receivers.list(caller.projectId, query);
  }

  @Get(':receiver')
  @Policy('view')
  @Answers(200, ReceiverView)
  get(@FromCaller() caller: Caller, @Param('receiver') name: string): Promise<ReceiverView> {
    return this.receivers.get(caller.projectId, name);
  }

  @Delete(':receiver')
  @HttpCode(204)
  @Policy('deploy')
  @Answers(204, undefined, 'Deleted, with the log of its deliveries.')
  remove(@FromCaller() caller: Caller, @Param('receiver') name: string): Promise<void> {
    return this.receivers.remove(caller, name);
  }

  @Post(':receiver/test')
  @HttpCode(200)
  @Policy('deploy')
  @Answers(200, DeliveryView, 'A test notice on the way of every other, after its first attempt if that was quick.')
  async test(@FromCaller() caller: Caller, @Param('receiver') name: string): Promise<DeliveryView> {
    const { kind, url } = await this.receivers.get(caller.projectId, name);
    if (kind === 'WEBHOOK' && url !== undefined) await this.egress.check(url);
    const id = await this.receivers.test(caller, name, this.platform.publicUrl);
    const until = Date.now() + testWaitMs;
    for (;;) {
      const delivery = await this.deliveries.get(caller.projectId, id);
      if (delivery.status !== 'PENDING' || delivery.lastError !== null || Date.now() >= until) return delivery;
      await new Promise((resolve) => setTimeout(resolve, testLookMs));
    }
  }
}
