import { mkdirSync, rmSync } from 'node:fs';
import { messageOf, SlipwayError } from '@slipway/contracts';
import { frameTypes, type IncomingRequest, type InstancePong, InstanceServer, type InstanceSpec } from '@slipway/inference';
import { startEngine } from './engine/start-engine.js';
import { ModelRunner } from './model-runner.js';
import { ProfileWriter } from './profile-writer.js';
import { openRecordSpool, type RecordSpool } from './record-spool.js';
import { RefusalLog } from './refusal-log.js';
import { ServingLoop } from './serving-loop.js';

/** Without a worker for this long an instance ends itself: nobody would ever stop it. */
const orphanAfterMs = 60_000;
const housekeepingMs = 1_000;
/** Gives those waiting for the socket a moment to connect and see LOADING: loading in line blocks everything else. */
const connectGraceMs = 25;
/** How long a failure is kept for a worker that has not connected yet. */
const failureGraceMs = 3_000;
/** How long answers may take to leave after the last request when stopping. */
const flushGraceMs = 2_000;

/** One instance, from its socket to its end: listens, loads, hands requests to the serving loop, drains. */
export class InstanceProgram {
  private readonly server: InstanceServer;
  private readonly spool: RecordSpool;
  private readonly profile: ProfileWriter | undefined;
  private readonly refusals = new RefusalLog((line) => process.stderr.write(`${line}\n`));
  private loop: ServingLoop | undefined;
  private isStopping = false;
  private isFinishing = false;

  constructor(
    private readonly spec: InstanceSpec,
    private readonly exit: (status: number) => void,
  ) {
    mkdirSync(spec.spoolFolder, { recursive: true });
    this.spool = openRecordSpool(spec);
    this.profile = spec.monitoring?.profiles === true ? new ProfileWriter(spec) : undefined;
    this.server = new InstanceServer({
      socketPath: spec.socketPath,
      ...(spec.door === undefined ? {} : { door: spec.door }),
      hello: { instanceId: spec.instanceId, pid: process.pid, revisionId: spec.revisionId, signature: spec.signature },
      handlers: {
        onInfer: (request) => this.take(request),
        onCancel: (connection, stream) => this.loop?.cancel(connection, stream),
        onGone: (connection) => this.loop?.cancel(connection, undefined),
        onDrain: () => this.drain(),
        counters: () => this.counters(),
        onRefused: (from, reason) => this.refusals.note(from, reason),
      },
    });
  }

  /** Listens, then loads, warms up and proves the model with a canary run; resolves when READY. */
  async start(): Promise<void> {
    const { spec } = this;
    // A socket file left by a killed predecessor would keep this one from listening.
    rmSync(spec.socketPath, { force: true });
    await this.server.listen();
    setInterval(() => this.keepHouse(), housekeepingMs);
    await pause(connectGraceMs);
    try {
      const { engine, warmUp } = await startEngine(
        {
          modelPath: spec.modelPath,
          session: spec.session,
          warmUp: { signature: spec.signature, maxRows: spec.batching.isOn ? spec.batching.maxBatchSize : 1 },
        },
        spec.runMs === undefined ? undefined : spec.runMs * 1e3,
      );
      this.server.describe(warmUp.provider, warmUp.providerNote);
      this.loop = new ServingLoop(spec, engine, new ModelRunner(spec), this.spool, warmUp, () => this.onIdle(), this.profile);
    } catch (error) {
      this.server.announceFailure(messageOf(error));
      await this.waitForWorker();
      throw error;
    }
    if (!this.isStopping) this.server.become('READY');
  }

  /** Gives the worker time to connect and hear a failure that would otherwise end with this process. */
  private async waitForWorker(): Promise<void> {
    const until = performance.now() + failureGraceMs;
    while (this.server.orphanedForMs > 0 && performance.now() < until) await pause(connectGraceMs);
    await pause(connectGraceMs);
  }

  /** Answers what has arrived, then ends. */
  stop(): void {
    if (this.isStopping) return;
    this.isStopping = true;
    this.server.become('DRAINING');
    this.onIdle();
  }

  private drain(): void {
    if (this.loop !== undefined) this.server.become('DRAINING');
  }

  private take(request: IncomingRequest): void {
    if (this.loop !== undefined) {
      this.loop.take(request);
      return;
    }
    const error = new SlipwayError('DEPLOYMENT_NOT_READY', 'the model is still loading; try again in a moment');
    request.connection.send(frameTypes.ERROR, request.stream, { errorCode: error.code, status: error.status }, Buffer.from(error.message, 'utf8'));
  }

  private onIdle(): void {
    if (this.isStopping && (this.loop?.pending ?? 0) === 0) void this.finish();
  }

  private counters(): InstancePong {
    const { loop, spool } = this;
    return {
      pending: loop?.pending ?? 0,
      requests: loop?.requests ?? 0,
      failures: loop?.failures ?? 0,
      runs: loop?.runs ?? 0,
      busyForMs: loop?.busyForMs ?? 0,
      recordsWritten: spool.recordsWritten,
      recordsSampledOut: spool.recordsSampledOut,
      recordsDropped: spool.recordsDropped,
      spoolBytes: spool.bytes,
    };
  }

  private keepHouse(): void {
    this.spool.rotateWhenOld();
    this.profile?.tick();
    this.server.refresh();
    if (this.server.orphanedForMs > orphanAfterMs) this.stop();
  }

  private async finish(): Promise<void> {
    if (this.isFinishing) return;
    this.isFinishing = true;
    const until = performance.now() + flushGraceMs;
    while (this.server.bufferedBytes > 0 && performance.now() < until) await pause(5);
    this.spool.close();
    this.profile?.close();
    void this.server.close();
    rmSync(this.spec.socketPath, { force: true });
    // Leaving in order while the runtime loads in its thread would abort the process with a complaint.
    if (this.loop === undefined) process.kill(process.pid, 'SIGKILL');
    this.exit(0);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
