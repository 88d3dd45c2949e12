import { afterFailure, afterSuccess, type Candidate, inliers, type OutlierState, type RoutingInstance } from '@slipway/deployments';
import { InstanceClient } from '@slipway/inference';

/** Work that an instance may hold, in microseconds of its own compute time: enough to never run dry, little enough to be refused in time. */
const windowMicros = 20_000;
const windowMin = 2;
const windowMax = 64;
const windowAtStart = 8;
/** Weight of the newest run in the moving mean of compute time. */
const smoothing = 0.1;

/** The gateway's side of one instance: its connection, how much it may hold, and how it has done lately. */
export class InstanceLink implements Candidate {
  readonly client: InstanceClient;
  window = windowAtStart;
  private outlier: OutlierState = inliers;
  private meanComputeMicros = 0;
  /** Set by the first request that ended with the connection, before the client itself has changed its state. */
  private lost = false;
  private leaving = false;
  /** Told when it may have become usable or unusable. */
  onChange: () => void = () => undefined;
  /** Told when a request has ended. */
  onRoom: () => void = () => undefined;

  constructor(
    private target: RoutingInstance,
    private readonly revisionId: string,
    maxFrameBytes: number,
  ) {
    this.client = new InstanceClient({ address: target.address, role: 'gateway', reconnect: true, maxFrameBytes });
    this.client.on('state', () => {
      this.lost = false;
      this.onChange();
    });
  }

  get instanceId(): string {
    return this.target.instanceId;
  }

  get address(): string {
    return this.target.address;
  }

  /** Its worker has proven it with a canary request. */
  get isProven(): boolean {
    return this.target.ready;
  }

  /** It says so itself, right now, and it is the instance that this address was given for. */
  get isLive(): boolean {
    const { client } = this;
    if (this.lost || client.state !== 'READY') return false;
    return client.hello?.instanceId === this.target.instanceId && client.hello.revisionId === this.revisionId;
  }

  get outstanding(): number {
    return this.client.outstanding;
  }

  get ejectedUntilMs(): number {
    return this.outlier.ejectedUntilMs;
  }

  /** Mean compute time per request lately, in microseconds; 0 when unknown. */
  get computeMicros(): number {
    return this.meanComputeMicros;
  }

  update(target: RoutingInstance): void {
    this.target = target;
  }

  succeeded(computeMicros: number): void {
    this.outlier = afterSuccess(this.outlier);
    this.meanComputeMicros += this.meanComputeMicros === 0 ? computeMicros : (computeMicros - this.meanComputeMicros) * smoothing;
    const fits = Math.ceil(windowMicros / Math.max(1, this.meanComputeMicros));
    this.window = Math.min(windowMax, Math.max(windowMin, fits));
    this.ended();
  }

  /** A failure of its own making, not of the caller's. */
  failed(nowMs: number): void {
    this.outlier = afterFailure(this.outlier, nowMs);
    this.ended();
  }

  /** An answer that says nothing about its health. */
  answered(): void {
    this.ended();
  }

  /** A request ended with its connection. */
  gone(): void {
    if (!this.lost) {
      this.lost = true;
      this.onChange();
    }
    this.ended();
  }

  /** It is not routed to any more; the connection stays until the last answer is in. */
  leave(): void {
    this.leaving = true;
    this.onChange = () => undefined;
    this.onRoom = () => undefined;
    this.closeWhenDone();
  }

  private ended(): void {
    this.onRoom();
    this.closeWhenDone();
  }

  private closeWhenDone(): void {
    if (this.leaving && this.client.outstanding === 0) this.client.close();
  }
}
