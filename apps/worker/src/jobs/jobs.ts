import { Injectable } from '@nestjs/common';
import { errorKinds, invariant, messageOf, SlipwayError } from '@slipway/contracts';
import {
  createQueueDriver,
  type JobContract,
  type QueueDriver,
  type QueueHandle,
  type QueueName,
  queueNames,
  type RunningJob,
  type WorkerHandle,
} from '@slipway/platform';
import { UnrecoverableError } from 'bullmq';
import { Platform } from '../platform.js';

/** How many jobs of a queue run at once in one worker process. */
const concurrency: Readonly<Record<QueueName, number>> = {
  control: 4,
  validation: 1,
  monitoring: 2,
  notifications: 4,
  batch: 2,
  replay: 1,
  evaluation: 1,
};
const backoff = { type: 'exponential', delay: 1_000 } as const;

interface Handler {
  readonly contract: JobContract<unknown>;
  readonly run: (data: unknown, job: RunningJob) => Promise<unknown>;
}

/**
 * Runs job handlers and schedules. A message only says "look": a handler reads fresh rows and may run twice, late or never, so
 * everything that a job does is also found by a periodic sweep.
 */
@Injectable()
export class Jobs {
  private readonly handlers = new Map<string, Handler>();
  private readonly schedules: { contract: JobContract<unknown>; everyMs: number; payload: unknown }[] = [];
  private readonly queues = new Map<QueueName, QueueHandle>();
  private readonly workers: WorkerHandle[] = [];
  private readonly driver: QueueDriver;

  constructor(private readonly platform: Platform) {
    this.driver = createQueueDriver(platform.settings.QUEUE_URL ?? platform.databaseUrl);
  }

  /** Registers the one handler of a job. Its payload is checked before the handler sees it. */
  handle<Payload>(contract: JobContract<Payload>, run: (payload: Payload, job: RunningJob) => Promise<unknown>): void {
    const key = `${contract.queue}/${contract.name}`;
    invariant(!this.handlers.has(key), 'a job has one handler', { key });
    this.handlers.set(key, { contract, run: (data, job) => run(contract.payload.parse(data), job) });
  }

  /** Runs a job every `everyMs`; one schedule for all workers together. */
  every<Payload>(contract: JobContract<Payload>, everyMs: number, payload: Payload): void {
    this.schedules.push({ contract, everyMs, payload });
  }

  /** Opens queues and workers and sets up the schedules. Called once, after every module has registered its handlers. */
  async start(): Promise<void> {
    await this.driver.migrate();
    for (const name of queueNames) {
      const queue = this.driver.queue(name);
      queue.on('error', (error) => this.platform.log.warn({ err: error, queue: name }, 'queue error'));
      this.queues.set(name, queue);
      const worker = this.driver.worker(name, (job) => this.run(name, job), { concurrency: concurrency[name] });
      worker.on('error', (error) => this.platform.log.warn({ err: error, queue: name }, 'queue worker error'));
      this.workers.push(worker);
    }
    this.platform.shutdown.add('jobs', () => this.close());
    for (const { contract, everyMs, payload } of this.schedules) {
      await this.queueOf(contract.queue).upsertJobScheduler(`every-${contract.name}`, { every: everyMs }, { name: contract.name, data: payload });
    }
  }

  /** Publishes one message of the outbox. Publishing under the same id again while the job waits or runs adds nothing. */
  async publish(message: { queue: string; name: string; jobId: string; payload: unknown }): Promise<void> {
    const handler = this.handlers.get(`${message.queue}/${message.name}`);
    if (handler === undefined) {
      this.platform.log.error({ queue: message.queue, job: message.name }, 'no handler for job');
      return;
    }
    await this.queueOf(handler.contract.queue).add(message.name, message.payload, {
      jobId: message.jobId,
      attempts: handler.contract.attempts,
      backoff,
    });
  }

  /** Jobs waiting and running per queue, for the metrics. */
  async counts(): Promise<Map<QueueName, Record<string, number>>> {
    const entries = await Promise.all([...this.queues].map(async ([name, queue]) => [name, await queue.getJobCounts()] as const));
    return new Map(entries);
  }

  private async run(queue: QueueName, job: RunningJob): Promise<unknown> {
    const { log } = this.platform;
    const handler = this.handlers.get(`${queue}/${job.name}`);
    if (handler === undefined) throw new UnrecoverableError(`no handler for ${job.name}`);
    const startedAt = performance.now();
    try {
      const result = await handler.run(job.data, job);
      log.debug({ queue, job: job.name, jobId: job.id, durationMs: Math.round(performance.now() - startedAt) }, 'job done');
      return result;
    } catch (error) {
      log.warn({ err: error, queue, job: job.name, jobId: job.id, attempt: job.attemptsMade + 1 }, 'job failed');
      const retry = !(error instanceof SlipwayError) || errorKinds[error.kind].retry;
      throw retry ? error : new UnrecoverableError(messageOf(error));
    }
  }

  private queueOf(name: QueueName): QueueHandle {
    const queue = this.queues.get(name);
    invariant(queue !== undefined, 'the queue is open', { name });
    return queue;
  }

  private async close(): Promise<void> {
    await Promise.allSettled(this.workers.map((worker) => worker.close()));
    await Promise.allSettled([...this.queues.values()].map((queue) => queue.close()));
  }
}
