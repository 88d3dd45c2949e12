import { createPostgresBackend, type JobsOptions, Queue, type QueueOptions, runMigrations, Worker, type WorkerOptions, withBackend } from 'bullmq';
import { Client } from 'pg';

/** What is used of a BullMQ job: the two backends' classes differ in type parameters only. */
export interface RunningJob {
  readonly id?: string | undefined;
  readonly name: string;
  readonly data: unknown;
  readonly attemptsMade: number;
  updateProgress(progress: number | object): Promise<void>;
}

/** What is used of a BullMQ queue. */
export interface QueueHandle {
  readonly name: string;
  add(name: string, data: unknown, options: JobsOptions): Promise<unknown>;
  upsertJobScheduler(id: string, repeat: { every: number }, template: { name: string; data?: unknown }): Promise<unknown>;
  getJobCounts(): Promise<Record<string, number>>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(): Promise<void>;
}

/** What is used of a BullMQ worker. */
export interface WorkerHandle {
  on(event: 'error', listener: (error: Error) => void): unknown;
  close(force?: boolean): Promise<void>;
}

/** BullMQ on Redis or PostgreSQL, chosen by the URL's scheme. */
export interface QueueDriver {
  readonly backend: 'redis' | 'postgres';
  /** Prepares the store; harmless when done before. */
  migrate(): Promise<void>;
  queue(name: string): QueueHandle;
  worker(name: string, handle: (job: RunningJob) => Promise<unknown>, options: { concurrency: number }): WorkerHandle;
}

/**
 * No finished jobs stay in the queue: the history is ours, and a full table of finished jobs slows the PostgreSQL backend severalfold.
 */
const queueOptions: Omit<QueueOptions, 'connection'> = { defaultJobOptions: { removeOnComplete: true, removeOnFail: true } };
/** A killed worker's job starts again after about lock + scan; each crash counts as a stall, so allow several. */
const workerOptions: Omit<WorkerOptions, 'connection'> = { lockDuration: 10_000, stalledInterval: 5_000, maxStalledCount: 5, drainDelay: 5 };

export function createQueueDriver(url: string): QueueDriver {
  return /^rediss?:/.test(url) ? redisDriver(url) : postgresDriver(url);
}

function redisDriver(url: string): QueueDriver {
  const connection = { url, maxRetriesPerRequest: null };
  return {
    backend: 'redis',
    migrate: async () => undefined,
    queue: (name) => new Queue(name, { ...queueOptions, connection }),
    worker: (name, handle, options) => new Worker(name, handle, { ...workerOptions, ...options, connection }),
  };
}

function postgresDriver(url: string): QueueDriver {
  const backed = withBackend(createPostgresBackend);
  const connection = { connectionString: url, max: 3 };
  return {
    backend: 'postgres',
    migrate: async () => {
      const client = new Client({ connectionString: url });
      client.on('error', () => undefined);
      await client.connect();
      try {
        await runMigrations(client);
      } finally {
        await client.end();
      }
    },
    queue: (name) => new backed.Queue(name, { ...queueOptions, connection }),
    worker: (name, handle, options) => new backed.Worker(name, handle, { ...workerOptions, ...options, connection }),
  };
}
