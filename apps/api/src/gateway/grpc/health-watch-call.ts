import type { FrameBody } from '@slipway/inference';
import { type CallParts, GrpcCall, joined } from './grpc-call.js';
import type { HealthServices } from './health-services.js';

/** Watch of the health protocol: the status of one service, now and at every change. */
export class HealthWatchCall extends GrpcCall {
  private service: string | undefined;
  private shown = '';

  constructor(
    parts: CallParts,
    private readonly health: HealthServices,
  ) {
    super(parts);
  }

  /** Sends the status when it is another than the one sent last. */
  refresh(): void {
    if (this.service === undefined || this.isOver) return;
    const status = this.health.statusOf(this.service) ?? 'SERVICE_UNKNOWN';
    if (status === this.shown) return;
    this.shown = status;
    this.send(this.health.encode(status), () => undefined);
  }

  override leave(): void {
    this.fail({ code: 'DRAINING', message: 'the server is leaving' });
  }

  protected override get owesMessage(): boolean {
    return this.service === undefined;
  }

  protected onMessage(body: FrameBody): void {
    if (this.service !== undefined) {
      this.fail({ code: 'REQUEST_INVALID', message: 'a second message came in a call of one' });
      return;
    }
    const service = this.health.decode(joined(body));
    if (service === undefined) {
      this.fail({ code: 'REQUEST_INVALID', message: 'the message is not a HealthCheckRequest' });
      return;
    }
    this.service = service;
    this.health.add(this);
    this.refresh();
  }

  protected onHalfClose(): void {
    if (this.service === undefined) this.fail({ code: 'REQUEST_INVALID', message: 'the call ended without a message' });
  }

  protected override onOver(): void {
    this.health.remove(this);
  }
}
