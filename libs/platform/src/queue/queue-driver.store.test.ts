import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { testDatabase } from '../testing/test-database.js';
import { hasRedis, testRedis } from '../testing/test-redis.js';
import { waitFor } from '../testing/wait-for.js';
import { defineJob } from './job.js';
import { enqueue } from './outbox.js';
import { createQueueDriver } from './queue-driver.js';

const job = defineJob({ queue: 'control', name: 'count', payload: z.object({ id: z.string() }), attempts: 3 });

// The same guarantees on both stores; Redis takes part where it is installed.
describe.each(hasRedis() ? ['postgres', 'redis'] : ['postgres'])('queue on %s', (backend) => {
  let store: { readonly url: string; close(): Promise<void> };
  beforeAll(async () => {
    store = backend === 'redis' ? await testRedis() : await testDatabase();
  });
  afterAll(() => store.close());

  it('runs a job once for each id that waits, and tries a failed one again', async () => {
    const driver = createQueueDriver(store.url);
    await driver.migrate();
    await driver.migrate();
    const name = `test-${Date.now()}`;
    const queue = driver.queue(name);
    queue.on('error', () => undefined);
    const seen: string[] = [];
    await queue.add('count', { id: 'a' }, { jobId: 'count.a' });
    await queue.add('count', { id: 'a' }, { jobId: 'count.a' });
    await queue.add('count', { id: 'fails-once' }, { jobId: 'count.b', attempts: 3, backoff: { type: 'fixed', delay: 10 } });
    const worker = driver.worker(
      name,
      async (running) => {
        const { id } = job.payload.parse(running.data);
        seen.push(id);
        if (id === 'fails-once' && seen.filter((other) => other === id).length === 1) throw new Error('not yet');
      },
      { concurrency: 1 },
    );
    worker.on('error', () => undefined);
    await waitFor(() => seen.length >= 3, { timeoutMs: 15_000, what: 'three runs' });
    expect(seen.sort()).toEqual(['a', 'fails-once', 'fails-once']);
    await worker.close();
    await queue.close();
  });
});

describe('enqueue', () => {
  it('writes the message with the change, or neither', async () => {
    const database = await testDatabase();
    const client = database.db;
    await expect(
      client.$transaction(async (tx) => {
        await enqueue(tx, job, { id: 'lost' }, 'count.lost');
        throw new Error('the change failed');
      }),
    ).rejects.toThrow('the change failed');
    await client.$transaction((tx) => enqueue(tx, job, { id: 'kept' }, 'count.kept'));
    const rows = await client.outboxMessage.findMany();
    expect(rows.map((row) => row.jobId)).toEqual(['count.kept']);
    await database.close();
  });
});
