import { afterFailure, afterSuccess, type Candidate, inliers, type OutlierState, type RoutingInstance } from '@slipway/deployments';
import { type InferResult, InstanceClient } from '@slipway/inference';
import type { Quarantine } from './quarantine.js';

/** Work that an instance may hold, in microseconds of its own compute time: enough to never run dry, little enough to be refused in time. */
const windowMicros = 20_000;
const windowMin = 2;
const windowMax = 256;
/** An instance that joins may hold this many of the runs it makes lately: one under way, one to follow, and some to let them grow. */
const runsInside = 2.5;
/** A death this soon after a request ran out of time is taken for that request's doing. */
const suspicionMs = 1_000;
const suspectsMax = 16;
/** A request that had less time than this and so many runs says nothing about the instance when its time runs out. */
const ownFaultMs = 100;
const ownFaultRuns = 10;
const windowAtStart = 8;
/** Weight of the newest run in the moving mean of compute time. */
const smoothing = 0.1;
/** Answers of a joined run come together, so the mean of the gaps between answers needs a longer memory. */
const gapSmoothing = 0.03;

/** The gateway's side of one instance: its connection, how much it may hold, and how it has done lately. */
export class InstanceLink implements Candidate {
  readonly client: InstanceClient;
  window = windowAtStart;
  private outlier: OutlierState = inliers;
  private meanRequestMicros = 0;
  private meanGapMicros = 0;
  /** When the last answer came while others were under way; undefined when there were none. */
  private busyAnswerAt: number | undefined;
  private meanJoined = 1;
  /** Set by the first request that ended with the connection, before the client itself has changed its state. */
  private lost = false;
  private leaving = false;
  /** Of what is under way, the probes: nobody waits for them, and the instance makes way for callers between their runs. */
  private probes = 0;
  private suspects: { readonly fingerprint: string; readonly sentAtMs: number; readonly atMs: number }[] = [];
  /** Where inputs are noted that were here when it died. */
  quarantine: Quarantine | undefined;
  /** Told when it may have become usable or unusable. */
  onChange: () => void = () => undefined;
  /** Told when its process ended while it served. */
  onCrash: () => void = () => undefined;
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
    this.client.on('close', () => this.died(performance.now()));
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

  /** Requests sent and not yet answered, without probes. */
  get outstanding(): number {
    return this.client.outstanding - this.probes;
  }

  /** Nothing at all is under way. */
  get isIdle(): boolean {
    return this.client.outstanding === 0;
  }

  get ejectedUntilMs(): number {
    return this.outlier.ejectedUntilMs;
  }

  /**
   * Time that a request takes of the instance lately, in microseconds; 0 when unknown: its share of runs of the model or, where that is more,
   * the time between answers while there is always another one to give, which also counts decoding, waiting for a core, and so on.
   */
  get requestMicros(): number {
    return Math.max(this.meanRequestMicros, this.meanGapMicros);
  }

  /** Time from sending a request to its answer when nothing is before it, in microseconds, as far as known. */
  get runMicros(): number {
    return this.meanRequestMicros * this.meanJoined;
  }

  update(target: RoutingInstance): void {
    if (target.ready && !this.target.ready) this.client.connectNow();
    this.target = target;
  }

  succeeded(result: InferResult): void {
    const { rows, batchRows } = result;
    this.outlier = afterSuccess(this.outlier);
    const share = shareOfRun(result);
    this.meanRequestMicros += this.meanRequestMicros === 0 ? share : (share - this.meanRequestMicros) * smoothing;
    this.meanJoined += ((rows > 0 ? batchRows / rows : 1) - this.meanJoined) * smoothing;
    const inTime = Math.ceil(windowMicros / Math.max(1, this.meanRequestMicros));
    // What is not sent cannot be joined: an instance that gains by joining must be given enough to join.
    const inRuns = Math.ceil(runsInside * this.meanJoined);
    this.window = Math.min(windowMax, Math.max(windowMin, inTime, inRuns));
    this.noteGap(performance.now());
    this.ended();
  }

  /** Whether a request has been here long enough to be answered: callers with no patience must not make a sound model look ill. */
  hadTime(sentAtMs: number, nowMs: number): boolean {
    return nowMs - sentAtMs > ownFaultMs + (ownFaultRuns * this.runMicros) / 1e3;
  }

  /** A request's time ran out in here; if the process ends now, it may be that request's doing. */
  overran(fingerprint: string, sentAtMs: number, nowMs: number): void {
    this.suspects = this.suspects.filter(({ atMs }) => nowMs - atMs < suspicionMs).slice(1 - suspectsMax);
    this.suspects.push({ fingerprint, sentAtMs, atMs: nowMs });
    if (this.hadTime(sentAtMs, nowMs)) this.outlier = afterFailure(this.outlier, nowMs);
    this.ended();
  }

  /** A request was answered, so its input ends nothing. */
  acquit(entry: { readonly fingerprint: string }): void {
    const { quarantine } = this;
    if (quarantine !== undefined && !quarantine.isEmpty) quarantine.acquit(entry.fingerprint);
  }

  /** A failure of its own making, not of the caller's. */
  failed(nowMs: number): void {
    this.outlier = afterFailure(this.outlier, nowMs);
    this.noteGap(nowMs);
    this.ended();
  }

  /** An answer that says nothing about its health: the caller's mistake. */
  answered(): void {
    this.noteGap(performance.now());
    this.ended();
  }

  /** A request ended without an answer of its own: its caller left, or the instance did not take it. */
  released(): void {
    this.ended();
  }

  /** A probe goes there. What becomes of it never speaks for or against the instance. */
  probeStarted(): void {
    this.probes += 1;
  }

  probeEnded(): void {
    this.probes -= 1;
    this.ended();
  }

  /** A request ended with its connection. */
  gone(fingerprint: string, sentAtMs: number): void {
    this.quarantine?.strike(fingerprint, sentAtMs, performance.now());
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
    this.onCrash = () => undefined;
    this.onRoom = () => undefined;
    this.closeWhenDone();
  }

  private noteGap(nowMs: number): void {
    const { busyAnswerAt } = this;
    this.busyAnswerAt = this.outstanding > 0 ? nowMs : undefined;
    if (busyAnswerAt === undefined) return;
    const gap = (nowMs - busyAnswerAt) * 1e3;
    this.meanGapMicros += this.meanGapMicros === 0 ? gap : (gap - this.meanGapMicros) * gapSmoothing;
  }

  private died(nowMs: number): void {
    for (const { fingerprint, sentAtMs, atMs } of this.suspects) {
      if (nowMs - atMs < suspicionMs) this.quarantine?.strike(fingerprint, sentAtMs, nowMs);
    }
    this.suspects = [];
    this.busyAnswerAt = undefined;
    // Told before the client changes its state; one that drains or loads does not serve.
    if (!this.leaving && this.client.state === 'READY') this.onCrash();
  }

  private ended(): void {
    // With nothing left inside, the time until the next answer is not the instance's.
    if (this.outstanding === 0) this.busyAnswerAt = undefined;
    this.onRoom();
    this.closeWhenDone();
  }

  private closeWhenDone(): void {
    if (this.leaving && this.client.outstanding === 0) this.client.close();
  }
}

/** Of the time of a run, the part of one of the requests that were joined in it; in microseconds. */
export function shareOfRun({ computeMicros, rows, batchRows }: Pick<InferResult, 'computeMicros' | 'rows' | 'batchRows'>): number {
  return batchRows > rows ? (computeMicros * rows) / batchRows : computeMicros;
}
