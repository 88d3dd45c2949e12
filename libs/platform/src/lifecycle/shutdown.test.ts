import { expect, it } from 'vitest';
import { createLogger } from '../logging/logger.js';
import { Shutdown } from './shutdown.js';

it('runs what begins at once, then every step once, last in first out, whatever fails', async () => {
  const order: string[] = [];
  const shutdown = new Shutdown(createLogger('test', 'silent'));
  shutdown.add('first', () => order.push('first'));
  shutdown.add('broken', () => {
    order.push('broken');
    throw new Error('broken');
  });
  shutdown.add('last', async () => order.push('last'));
  shutdown.begin(() => order.push('begun'));
  await Promise.all([shutdown.run(), shutdown.run()]);
  expect(order).toEqual(['begun', 'last', 'broken', 'first']);
});
