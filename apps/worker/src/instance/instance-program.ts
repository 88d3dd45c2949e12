import { mkdirSync, rmSync } from 'node:fs';
import { messageOf, SlipwayError } from '@slipway/contracts';
import {
  AloneBatcher,
  type Batcher,
  frameTypes,
  type IncomingRequest,
  type InstancePong,
  InstanceServer,
  type InstanceSpec,
  inferKinds,
  RequestQueue,
} from '@slipway/inference';
import { ModelRunner, type RunAnswer } from './model-runner.js';
import { RecordSpool } from './record-spool.js';

/** Without a worker for this long an instance ends itself: nobody would ever stop it. */
const orphanAfterMs = 60_000;
const housekeepingMs = 1_000;
/** Requests are run for this long before the answers so far are written and the sockets are looked at again. */
const turnBudgetMs = 2;
/** Gives those waiting for the socket a moment to connect and see LOADING: loading blocks everything else. */
const connectGraceMs = 25;
/** How long a failure is kept for a worker that has not connected yet. */
const failureGraceMs = 3_000;
/** How long answers may take to leave after the last request when stopping. */
const flushGraceMs = 2_000;

interface Pending extends IncomingRequest {
  readonly arrivedAt: number;
  readonly deadlineAt: number;
}

type Outgoing = { readonly pending: Pending } & ({ readonly answer: RunAnswer; readonly queueMicros: number } | { readonly error: SlipwayError });

/** One instance: takes frames, runs the model in line, keeps records, answers. */
export class InstanceProgram {
  private readonly server: InstanceServer;
  private readonly spool: RecordSpool;
  private readonly queue: RequestQueue<Pending>;
  private readonly batcher: Batcher<Pending> = new AloneBatcher();
  private runner: ModelRunner | undefined;
  private isTurnScheduled = false;
  private isStopping = false;
  private busySince = 0;
  private requests = 0;
  private failures = 0;
  private runs = 0;

  constructor(
    private readonly spec: InstanceSpec,
    private readonly exit: (status: number) => void,
  ) {
    mkdirSync(spec.spoolFolder, { recursive: true });
    this.spool = new RecordSpool(spec.spoolFolder);
    this.queue = new RequestQueue(spec.limits.maxQueue);
    this.server = new InstanceServer({
      socketPath: spec.socketPath,
      hello: { instanceId: spec.instanceId, pid: process.pid, revisionId: spec.revisionId, signature: spec.signature },
      handlers: {
        onInfer: (request) => this.enqueue(request),
        onCancel: (connection, stream) => this.cancel((pending) => pending.connection === connection && pending.stream === stream),
        onGone: (connection) => this.cancel((pending) => pending.connection === connection),
        onDrain: () => this.drain(),
        counters: () => this.counters(),
      },
    });
  }

  /** Listens, then loads, warms up and proves the model with a canary run; resolves when READY. */
  async start(): Promise<void> {
    // A socket file left by a killed predecessor would keep this one from listening.
    rmSync(this.spec.socketPath, { force: true });
    await this.server.listen();
    setInterval(() => this.keepHouse(), housekeepingMs);
    await pause(connectGraceMs);
    try {
      this.runner = new ModelRunner(this.spec);
      this.runner.warmUp();
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
    if (this.queue.size === 0) void this.finish();
  }

  private drain(): void {
    if (this.runner !== undefined) this.server.become('DRAINING');
  }

  private enqueue(request: IncomingRequest): void {
    const arrivedAt = performance.now();
    this.requests++;
    const pending = { ...request, arrivedAt, deadlineAt: arrivedAt + (request.header.deadlineMs ?? Number.POSITIVE_INFINITY) };
    const error = this.admit(pending);
    if (error !== undefined) {
      this.failures++;
      send({ pending, error });
      return;
    }
    if (this.queue.size === 1 && !this.isTurnScheduled) this.busySince = arrivedAt;
    this.scheduleTurn();
  }

  /** Puts a request into the queue, or says why it cannot wait there. */
  private admit(pending: Pending): SlipwayError | undefined {
    if (this.runner === undefined) return new SlipwayError('DEPLOYMENT_NOT_READY', 'the model is still loading; try again in a moment');
    if (this.queue.push(pending)) return undefined;
    return new SlipwayError('QUEUE_FULL', `the instance already has ${this.spec.limits.maxQueue} requests waiting; try again later`);
  }

  private cancel(matches: (pending: Pending) => boolean): void {
    this.queue.remove(matches);
  }

  private scheduleTurn(): void {
    if (this.isTurnScheduled) return;
    this.isTurnScheduled = true;
    // After the poll phase, so that one turn sees everything that has arrived on all connections.
    setImmediate(() => this.turn());
  }

  private turn(): void {
    this.isTurnScheduled = false;
    const until = performance.now() + turnBudgetMs;
    const outgoing: Outgoing[] = [];
    do {
      const group = this.batcher.next(this.queue);
      if (group.length === 0) break;
      for (const pending of group) outgoing.push(this.serve(pending));
    } while (performance.now() < until);
    // Records first: what was answered must have been recorded, also when this process is killed in between.
    this.spool.flush();
    for (const each of outgoing) send(each);
    if (this.queue.size > 0) this.scheduleTurn();
    else if (this.isStopping) void this.finish();
  }

  private serve(pending: Pending): Outgoing {
    const startedAt = performance.now();
    if (startedAt >= pending.deadlineAt) {
      this.failures++;
      return { pending, error: new SlipwayError('DEADLINE_EXCEEDED', 'the deadline passed before the model could start') };
    }
    try {
      const answer = this.run(pending);
      return { pending, answer, queueMicros: (startedAt - pending.arrivedAt) * 1000 };
    } catch (error) {
      this.failures++;
      if (error instanceof SlipwayError) return { pending, error };
      return { pending, error: new SlipwayError('INTERNAL', 'the instance made a mistake with this request', { cause: error }) };
    }
  }

  private run(pending: Pending): RunAnswer {
    const { runner, spec } = this;
    if (runner === undefined) throw new SlipwayError('DEPLOYMENT_NOT_READY', 'the model is still loading');
    this.runs++;
    const answer = runner.answer(pending.body, pending.header);
    const isLive = inferKinds[pending.header.kind ?? 0] === 'live';
    if (isLive && spec.records.enabled && this.spool.admits(spec.records.maxPerSecond)) this.spool.add(runner.record(answer, pending.header));
    return answer;
  }

  private counters(): InstancePong {
    return {
      pending: this.queue.size,
      requests: this.requests,
      failures: this.failures,
      runs: this.runs,
      busyForMs: this.queue.size === 0 ? 0 : performance.now() - this.busySince,
      recordsWritten: this.spool.recordsWritten,
      recordsDropped: this.spool.recordsDropped,
      spoolBytes: this.spool.bytes,
    };
  }

  private keepHouse(): void {
    this.spool.rotateWhenOld();
    if (this.server.orphanedForMs > orphanAfterMs) this.stop();
  }

  private async finish(): Promise<void> {
    const until = performance.now() + flushGraceMs;
    while (this.server.bufferedBytes > 0 && performance.now() < until) await pause(5);
    this.spool.close();
    void this.server.close();
    rmSync(this.spec.socketPath, { force: true });
    this.exit(0);
  }
}

function send(outgoing: Outgoing): void {
  const { connection, stream } = outgoing.pending;
  if ('error' in outgoing) {
    connection.send(
      frameTypes.ERROR,
      stream,
      { errorCode: outgoing.error.code, status: outgoing.error.status },
      Buffer.from(outgoing.error.message, 'utf8'),
    );
    return;
  }
  const { answer, queueMicros } = outgoing;
  connection.send(frameTypes.RESULT, stream, { ...answer.header, queueMicros }, answer.body);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
