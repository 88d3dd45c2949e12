import { Worker } from 'node:worker_threads';
import type { RequestSamples, Signature } from '@slipway/contracts';
import { bodyBytesOf, type FrameBody } from '@slipway/inference';
import { type NewRequestSample, parsePredictionRef, type RequestSampleStore, samplePayloadBytesMax } from '@slipway/metrics';
import type { Logger } from '@slipway/platform';
import { shareOfRun } from '../instance-link.js';
import type { AnsweredRequest, SampleSink } from './answered-request.js';
import type { SampleCommand, SampleEvent, SampleThreadData } from './sample-messages.js';
import { SamplingGate } from './sampling-gate.js';
import type { SampleOrder } from './seal-sample.js';

/** What became of requests that were chosen. */
export const sampleResults = ['kept', 'too_large', 'busy', 'unreadable', 'not_stored'] as const;
export type SampleResult = (typeof sampleResults)[number];

/** Where orders are carried out; the thread, or a stand-in for it. */
export interface Sealer {
  send(command: SampleCommand): void;
  close(): Promise<void>;
}

export interface RequestSamplerOptions {
  readonly store: Pick<RequestSampleStore, 'add' | 'trim'>;
  /** Opens what seals, when the first request is chosen. */
  readonly openSealer: (onEvent: (event: SampleEvent) => void, onEnd: () => void) => Sealer;
  readonly count: (result: SampleResult) => void;
  readonly log: Logger;
  /** Bounds of what is on its way to be sealed, and of what is on its way into the database. */
  readonly maxHeld?: { readonly requests: number; readonly bytes: number };
}

const maxHeld = { requests: 256, bytes: 64 * 1024 * 1024 };
const flushMs = 500;
/** At most so many are written at once. */
const writtenAtOnce = 64;
const trimEveryMs = 10_000;
const trimEvery = 200;
const closingMs = 2_000;
/** Gates of revisions that have not been asked for so long are forgotten; far more than there are revisions with traffic. */
const gatesMost = 4_096;

type Facts = Omit<NewRequestSample, 'payload' | 'summary' | 'hasAnswer' | 'isRedacted'>;
interface Held {
  readonly facts: Facts;
  readonly bytes: number;
  readonly gate: SamplingGate;
  readonly bounds: RequestSamples;
}

/**
 * Keeps a sample of live requests after they were answered: chooses here, in a few microseconds; reads, redacts and encrypts in a thread; writes
 * in batches. Bounded everywhere: what does not fit is dropped and counted, and the next one that is kept stands for it.
 */
export class RequestSampler implements SampleSink {
  private readonly gates = new Map<string, SamplingGate>();
  private readonly sealing = new Map<number, Held>();
  private readonly waiting: { readonly sample: NewRequestSample; readonly held: Held }[] = [];
  private readonly trims = new Map<string, { atMs: number; added: number }>();
  private heldBytes = 0;
  private next = 0;
  private sealer: Sealer | undefined;
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private isClosed = false;

  constructor(private readonly options: RequestSamplerOptions) {}

  /** Requests that are being sealed or written. */
  get held(): { readonly requests: number; readonly bytes: number } {
    return { requests: this.sealing.size + this.waiting.length, bytes: this.heldBytes };
  }

  offer(request: AnsweredRequest): void {
    const { revision, facts, result } = request;
    const { requestSamples: bounds, signature } = revision;
    if (bounds === undefined || signature === undefined || this.isClosed) return;
    const gate = this.gateOf(revision.revisionId);
    const represents = gate.admit(facts.predictionId, bounds, performance.now());
    if (represents === undefined) return;
    const bytes = bodyBytesOf(request.body) + result.body.length;
    const refusal = this.refusalOf(bytes, bounds);
    if (refusal !== undefined) {
      gate.missed(represents);
      this.options.count(refusal);
      return;
    }
    this.heldBytes += bytes;
    this.next += 1;
    this.sealing.set(this.next, { facts: factsOf(request, represents, bounds), bytes, gate, bounds });
    this.send({ number: this.next, order: orderOf(request, signature, bounds) });
  }

  /** Waits a moment for what is on its way, and writes it. */
  async close(): Promise<void> {
    this.isClosed = true;
    const until = performance.now() + closingMs;
    while (this.sealing.size > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10));
    clearTimeout(this.timer);
    await this.flushing;
    if (this.waiting.length > 0) await this.flush();
    clearTimeout(this.timer);
    await this.sealer?.close();
  }

  private refusalOf(bytes: number, { maxBytes }: RequestSamples): SampleResult | undefined {
    if (bytes > Math.min(samplePayloadBytesMax, maxBytes)) return 'too_large';
    const most = this.options.maxHeld ?? maxHeld;
    return this.held.requests >= most.requests || this.heldBytes + bytes > most.bytes ? 'busy' : undefined;
  }

  private gateOf(revisionId: string): SamplingGate {
    const known = this.gates.get(revisionId);
    if (known !== undefined) return known;
    if (this.gates.size >= gatesMost) this.gates.clear();
    const gate = new SamplingGate();
    this.gates.set(revisionId, gate);
    return gate;
  }

  private send(command: SampleCommand): void {
    this.sealer ??= this.options.openSealer(
      (event) => this.sealed(event),
      () => this.lost(),
    );
    this.sealer.send(command);
  }

  private sealed(event: SampleEvent): void {
    const held = this.sealing.get(event.number);
    if (held === undefined) return;
    this.sealing.delete(event.number);
    if (event.kind === 'failed') {
      this.drop(held, 'unreadable');
      return;
    }
    this.waiting.push({ sample: { ...held.facts, ...event.sample }, held });
    this.timer ??= setTimeout(() => void this.flush(), flushMs);
  }

  /** The thread has ended; the next request that is chosen gets another one. */
  private lost(): void {
    this.sealer = undefined;
    const held = [...this.sealing.values()];
    this.sealing.clear();
    for (const one of held) this.drop(one, 'unreadable');
  }

  private drop({ bytes, gate, facts }: Held, result: SampleResult): void {
    this.heldBytes -= bytes;
    gate.missed(facts.represents);
    this.options.count(result);
  }

  private flush(): Promise<void> {
    this.timer = undefined;
    this.flushing = this.write().finally(() => {
      this.flushing = undefined;
      if (this.waiting.length > 0 && !this.isClosed) this.timer ??= setTimeout(() => void this.flush(), flushMs);
    });
    return this.flushing;
  }

  private async write(): Promise<void> {
    const { store, log, count } = this.options;
    while (this.waiting.length > 0) {
      const some = this.waiting.splice(0, writtenAtOnce);
      try {
        await store.add(some.map(({ sample }) => sample));
        for (const { held } of some) {
          this.heldBytes -= held.bytes;
          count('kept');
        }
        await this.trim(some.map(({ held }) => held));
      } catch (error) {
        // A sample is not worth keeping memory for while the database is away.
        log.warn({ err: error, count: some.length }, 'request samples not stored');
        for (const { held } of some) this.drop(held, 'not_stored');
      }
    }
  }

  private async trim(added: readonly Held[]): Promise<void> {
    const now = performance.now();
    for (const { facts, bounds } of added) {
      const { deploymentId } = facts;
      const known = this.trims.get(deploymentId) ?? { atMs: Number.NEGATIVE_INFINITY, added: 0 };
      known.added += 1;
      this.trims.set(deploymentId, known);
      if (now - known.atMs < trimEveryMs && known.added < Math.min(trimEvery, Math.ceil(bounds.maxRequests / 10))) continue;
      this.trims.set(deploymentId, { atMs: now, added: 0 });
      await this.options.store.trim(deploymentId, bounds);
    }
  }
}

/** The thread of this process. It keeps nothing alive. */
export function openSampleThread(masterKey: Uint8Array): RequestSamplerOptions['openSealer'] {
  return (onEvent, onEnd) => {
    const workerData: SampleThreadData = { masterKey };
    const thread = new Worker(new URL('./sample-thread.js', import.meta.url), {
      workerData,
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 256 },
    });
    thread.unref();
    thread.on('message', onEvent);
    // What ended it is said by `exit`, which always follows.
    thread.on('error', () => undefined);
    thread.on('exit', onEnd);
    return {
      send: (command) => thread.postMessage(command, [command.order.body.buffer, command.order.answer.body.buffer]),
      close: async () => void (await thread.terminate()),
    };
  };
}

function factsOf({ deployment, revision, facts, result }: AnsweredRequest, represents: number, bounds: RequestSamples): Facts {
  return {
    id: facts.predictionId,
    atMs: parsePredictionRef(facts.predictionId)?.atMs ?? Date.now(),
    projectId: deployment.projectId,
    deploymentId: deployment.deploymentId,
    revisionId: revision.revisionId,
    versionId: revision.versionId,
    versionNumber: revision.versionNumber,
    represents,
    rows: result.rows,
    batchRows: result.batchRows,
    computeMicros: Math.round(shareOfRun(result)),
    keepHours: bounds.keepHours,
  };
}

function orderOf({ deployment, facts, contentKind, body, result }: AnsweredRequest, signature: Signature, { redact }: RequestSamples): SampleOrder {
  return {
    ref: { projectId: deployment.projectId, deploymentId: deployment.deploymentId, id: facts.predictionId },
    signature,
    redact,
    contentKind,
    contentType: facts.contentType,
    contentEncoding: facts.contentEncoding,
    inferenceHeaderContentLength: facts.inferenceHeaderContentLength,
    body: copyOf(body),
    answer: {
      contentEncoding: result.contentEncoding,
      headerBytes: result.inferenceHeaderContentLength,
      body: copyOf(result.body),
    },
  };
}

/** Memory of its own, to be handed over: pieces of a body share theirs with other requests, and an answer's is used again at once. */
function copyOf(body: FrameBody): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(bodyBytesOf(body));
  let at = 0;
  for (const piece of Buffer.isBuffer(body) ? [body] : body) {
    copy.set(piece, at);
    at += piece.length;
  }
  return copy;
}
