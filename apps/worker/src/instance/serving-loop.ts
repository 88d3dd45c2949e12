import { SlipwayError } from '@slipway/contracts';
import {
  Batcher,
  type Connection,
  CostModel,
  canSplit,
  frameTypes,
  type IncomingRequest,
  type InstanceSpec,
  inferKinds,
  type Joinable,
  joinInputs,
  type ListNode,
  RankedList,
  rankOf,
  splitOutputs,
  type Tensor,
} from '@slipway/inference';
import type { Engine, RunResult, WarmUp } from './engine/engine.js';
import type { ModelRunner, Prepared, RunAnswer } from './model-runner.js';
import { NaturalRepeats } from './noise/natural-repeats.js';
import { NoiseProbes } from './noise/noise-probes.js';
import type { ProfileWriter } from './profile-writer.js';
import type { RecordSpool } from './record-spool.js';

/** In line, requests are run for this long before the answers so far are written and the sockets are looked at again. */
const turnBudgetMs = 2;
/** A run that nobody waits for any more counts as hung when it has also taken so many times what runs of its size take: a caller's short deadline is no fault of the model. */
const hungAfterRuns = 10;
const hungAfterMs = 100;

interface Pending extends IncomingRequest, Joinable, Prepared {
  readonly place: ListNode<Pending> | undefined;
}

/** A group under way. */
interface Run {
  readonly group: readonly Pending[];
  readonly rows: number;
  readonly startedAt: number;
}

type Outgoing = { readonly request: IncomingRequest } & (
  | { readonly answer: RunAnswer; readonly queueMicros: number }
  | { readonly error: SlipwayError }
);

/**
 * What an instance does all day: reads what has arrived, decides what runs together, runs it, answers. All that arrived in one turn of the
 * event loop is read in one go, and all answers of a turn leave in one write.
 */
export class ServingLoop {
  requests = 0;
  failures = 0;
  runs = 0;
  private arrived: { readonly request: IncomingRequest; readonly arrivedAt: number }[] = [];
  private readonly queue = new RankedList<Pending>();
  private readonly costs = new CostModel();
  private batcher: Batcher<Pending>;
  private outgoing: Outgoing[] = [];
  private running: Run | undefined;
  private isTurnScheduled = false;
  private waiting: NodeJS.Timeout | undefined;
  private busySince = 0;
  private readonly natural: NaturalRepeats;
  private readonly probes: NoiseProbes;

  constructor(
    private readonly spec: InstanceSpec,
    private readonly engine: Engine,
    private readonly runner: ModelRunner,
    private readonly spool: RecordSpool,
    warmUp: WarmUp,
    /** Called whenever nothing is left to do. */
    private readonly onIdle: () => void,
    /** Counts what is answered; absent where nothing is to be counted. */
    private readonly profile?: ProfileWriter,
  ) {
    for (const { rows, micros } of warmUp.costs) this.costs.seed(rows, micros);
    const { isOn, maxBatchSize, maxDelayMs, latencyTargetMs } = spec.batching;
    this.natural = new NaturalRepeats(spec.task ?? undefined);
    this.probes = new NoiseProbes({ spec, engine, runner, natural: () => this.natural.report() });
    const warmed = warmUp.costs.at(-1)?.rows ?? maxBatchSize;
    this.batcher = new Batcher({ maxRows: isOn ? Math.min(maxBatchSize, warmed) : 1, maxDelayMs, latencyTargetMs }, this.costs);
  }

  /** Requests whose answer has not left yet. */
  get pending(): number {
    return this.arrived.length + this.queue.size + (this.running?.group.length ?? 0) + this.outgoing.length + (this.probes.isRunning ? 1 : 0);
  }

  /** For how long there has been something to do, in ms; 0 when idle. */
  get busyForMs(): number {
    return this.pending === 0 ? 0 : performance.now() - this.busySince;
  }

  /** Takes a request; it is answered later, also when that is an error. */
  take(request: IncomingRequest): void {
    if (NoiseProbes.isProbe(request)) {
      this.probes.take(request);
      this.scheduleTurn();
      return;
    }
    const arrivedAt = performance.now();
    this.requests += 1;
    if (this.pending === 0) this.busySince = arrivedAt;
    if (this.pending >= this.spec.limits.maxQueue) {
      this.refuse(request, new SlipwayError('QUEUE_FULL', `the instance already has ${this.spec.limits.maxQueue} requests waiting; try again later`));
      return;
    }
    this.arrived.push({ request, arrivedAt });
    this.batcher.arrived(arrivedAt);
    this.scheduleTurn();
  }

  /** Drops what has not started yet. */
  cancel(connection: Connection, stream: number | undefined): void {
    const isMeant = (request: IncomingRequest) => request.connection === connection && (stream === undefined || request.stream === stream);
    this.arrived = this.arrived.filter(({ request }) => !isMeant(request));
    for (const pending of this.queue) if (isMeant(pending) && pending.place !== undefined) this.queue.remove(pending.place);
    this.probes.cancel(connection, stream);
  }

  private scheduleTurn(): void {
    if (this.isTurnScheduled) return;
    this.isTurnScheduled = true;
    // After the poll phase, so that one turn sees everything that has arrived on all connections.
    setImmediate(() => this.turn());
  }

  private turn(): void {
    this.isTurnScheduled = false;
    this.readArrived();
    const until = performance.now() + turnBudgetMs;
    while (this.isFree && this.startNext()) if (performance.now() >= until) break;
    this.sendAll();
    if (this.isFree && this.queue.size > 0 && this.waiting === undefined) this.scheduleTurn();
    else if (this.pending === 0 && !this.startProbe()) this.onIdle();
  }

  private get isFree(): boolean {
    return this.running === undefined && !this.probes.isRunning;
  }

  /** One run for measuring, when there is nothing else to do; what arrives meanwhile goes before the next one. */
  private startProbe(): boolean {
    const startedAt = performance.now();
    const isStarted = this.probes.startRun(() => this.scheduleTurn());
    if (isStarted) this.busySince = startedAt;
    return isStarted;
  }

  private readArrived(): void {
    const { arrived } = this;
    if (arrived.length === 0) return;
    this.arrived = [];
    for (const { request, arrivedAt } of arrived) {
      const { header } = request;
      try {
        const prepared = this.runner.prepare(request.body, header);
        const kind = inferKinds[header.kind ?? 0] ?? 'live';
        // Field by field: a spread over so many costs more than reading a small request.
        const pending: Mutable<Pending> = {
          connection: request.connection,
          stream: request.stream,
          header,
          body: request.body,
          request: prepared.request,
          rows: prepared.rows,
          key: prepared.key,
          isJoinable: prepared.isJoinable,
          decodeMicros: prepared.decodeMicros,
          isObserved: prepared.isObserved,
          // What the connection says wins over what the body says: a gateway may have lowered it.
          rank: rankOf(kind, header.priority || (prepared.request.priority ?? 0)),
          alone: header.alone === 1 || !prepared.isJoinable,
          arrivedAt,
          deadlineAt: arrivedAt + timeLeftMs(header.deadlineMs, prepared.request.timeoutMicros),
          place: undefined,
        };
        pending.place = this.queue.push(pending);
      } catch (error) {
        this.refuse(request, asRefusal(error));
      }
    }
  }

  /** Starts the next run; false when there is nothing to start now. */
  private startNext(): boolean {
    clearTimeout(this.waiting);
    this.waiting = undefined;
    const now = performance.now();
    this.dropLate(now);
    const decision = this.batcher.decide(this.queue, now);
    if (decision.kind === 'idle') return false;
    if (decision.kind === 'wait') {
      this.waiting = setTimeout(() => this.onWaited(), decision.untilMs - now);
      return false;
    }
    for (const pending of decision.group) if (pending.place !== undefined) this.queue.remove(pending.place);
    this.start({ group: decision.group, rows: decision.rows, startedAt: now });
    return true;
  }

  private onWaited(): void {
    this.waiting = undefined;
    this.scheduleTurn();
  }

  /** A run for nobody must not start. */
  private dropLate(now: number): void {
    for (let first = this.queue.first; first !== undefined && first.deadlineAt <= now; first = this.queue.first) {
      if (first.place !== undefined) this.queue.remove(first.place);
      this.refuse(first, new SlipwayError('DEADLINE_EXCEEDED', 'the deadline passed before the model could start'));
    }
  }

  private start(run: Run): void {
    const { group, rows, startedAt } = run;
    const [first] = group;
    if (first === undefined) return;
    this.running = run;
    this.runs += 1;
    const inputs =
      group.length === 1
        ? first.request.inputs
        : joinInputs(
            group.map(({ request }) => request.inputs),
            rows,
          );
    // A thread takes the memory of its inputs along; joined inputs are a copy already.
    if (!this.engine.isInline && group.length === 1) this.profile?.hold(first);
    this.engine.run(inputs, this.runner.outputNames(group), this.limitOf(run, startedAt), (result) => this.onResult(run, result));
  }

  private limitOf({ group, rows }: Run, startedAt: number): number {
    let latest = 0;
    for (const { deadlineAt } of group) latest = Math.max(latest, deadlineAt);
    return Math.max(latest, startedAt + hungAfterMs + (hungAfterRuns * this.costs.predict(rows)) / 1e3);
  }

  private onResult(run: Run, result: RunResult): void {
    this.running = undefined;
    if ('error' in result) this.onFailure(run, result.error);
    else this.onOutputs(run, result.outputs, result.computeMicros);
    if (!this.engine.isInline) this.scheduleTurn();
  }

  private onOutputs({ group, rows, startedAt }: Run, outputs: readonly Tensor[], computeMicros: number): void {
    this.costs.learn(rows, computeMicros);
    if (group.length > 1 && !canSplit(outputs, rows)) {
      // The proof did not hold for these inputs: from now on nobody shares a run here.
      this.batcher = new Batcher({ maxRows: 1, maxDelayMs: 0, latencyTargetMs: undefined }, this.costs);
      this.requeue(group);
      return;
    }
    let from = 0;
    for (const [index, pending] of group.entries()) {
      const own = group.length === 1 ? outputs : splitOutputs(outputs, from, pending.rows);
      from += pending.rows;
      try {
        const answer = this.runner.finish(pending, own, { computeMicros, batchRows: rows, isFirst: index === 0 }, pending.header);
        const queueMicros = (startedAt - pending.arrivedAt) * 1e3;
        this.keepRecord(answer, pending, queueMicros);
        this.profile?.add(pending, own);
        this.outgoing.push({ request: pending, answer, queueMicros });
      } catch (error) {
        this.refuse(pending, asRefusal(error));
        continue;
      }
      this.noteNatural(pending, own);
    }
  }

  /** One bad row fails a whole run; joined requests are tried again by themselves, so that each gets what it would have got alone. */
  private onFailure({ group }: Run, error: SlipwayError): void {
    const [first] = group;
    if (group.length > 1) this.requeue(group);
    else if (first !== undefined) this.refuse(first, error);
  }

  private requeue(group: readonly Pending[]): void {
    for (const pending of group) {
      const again: Mutable<Pending> = { ...pending, alone: true, place: undefined };
      again.place = this.queue.push(again);
    }
  }

  private keepRecord(answer: RunAnswer, pending: Pending, queueMicros: number): void {
    const { records } = this.spec;
    if (!records.enabled || (pending.header.kind ?? 0) !== 0) return;
    const probability = this.spool.admits(pending.header.predictionId ?? '', Math.min(answer.rows, records.maxRowsPerRequest));
    if (probability !== undefined) this.spool.add(this.runner.record(answer, pending, { probability, queueMicros }));
  }

  /** An answer that is on its way is not taken back for what is only counted of it. */
  private noteNatural({ header, request }: Pending, outputs: readonly Tensor[]): void {
    if ((header.kind ?? 0) !== 0) return;
    try {
      this.natural.note(request.inputs, outputs);
    } catch {
      // One repeat less is known of.
    }
  }

  private refuse(request: IncomingRequest, error: SlipwayError): void {
    this.failures += 1;
    this.outgoing.push({ request, error });
    this.scheduleTurn();
  }

  /** Records first: what was answered must have been recorded, also when this process is killed in between. */
  private sendAll(): void {
    const { outgoing } = this;
    if (outgoing.length === 0) return;
    this.outgoing = [];
    this.spool.flush();
    this.profile?.note();
    for (const each of outgoing) send(each);
  }
}

type Mutable<T> = { -readonly [key in keyof T]: T[key] };

/** The connection's deadline, shortened by the one in the request; 0 there means none. */
function timeLeftMs(deadlineMs: number | undefined, timeoutMicros: number | undefined): number {
  const ownMs = timeoutMicros === undefined || timeoutMicros === 0 ? Number.POSITIVE_INFINITY : timeoutMicros / 1e3;
  return Math.min(deadlineMs ?? Number.POSITIVE_INFINITY, ownMs);
}

function asRefusal(error: unknown): SlipwayError {
  if (error instanceof SlipwayError) return error;
  return new SlipwayError('INTERNAL', 'the instance made a mistake with this request', { cause: error });
}

function send(outgoing: Outgoing): void {
  const { connection, stream } = outgoing.request;
  if ('error' in outgoing) {
    const { code, status, message } = outgoing.error;
    connection.send(frameTypes.ERROR, stream, { errorCode: code, status }, Buffer.from(message, 'utf8'));
    return;
  }
  const { answer, queueMicros } = outgoing;
  answer.header.queueMicros = queueMicros;
  connection.send(frameTypes.RESULT, stream, answer.header, answer.body);
}
