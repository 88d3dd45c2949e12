import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthServer } from './health/health-server.js';
import { Jobs } from './jobs/jobs.js';
import { OutboxRelay } from './jobs/outbox-relay.js';
import type { Membership } from './joining/membership.js';
import type { Platform } from './platform.js';
import { refuseSkewedClock } from './supervising/clock-skew.js';
import { WorkerModule } from './worker.module.js';

export interface RunningWorker {
  readonly context: INestApplicationContext;
  readonly port: number;
}

/**
 * Builds and starts the worker: modules register their handlers, then the queues open, then work is taken. On a host that has joined there are
 * instances and no jobs.
 */
export async function createWorker(platform: Platform, membership: Membership | null): Promise<RunningWorker> {
  await refuseSkewedClock(platform);
  const context = await NestFactory.createApplicationContext(WorkerModule.with(platform, membership), {
    logger: ['error', 'warn'],
    abortOnError: false,
  });
  platform.shutdown.add('worker modules', () => context.close());
  const health = context.get(HealthServer);
  const port = await health.start();
  await platform.nudges.start();
  if (membership === null) {
    await context.get(Jobs).start();
    context.get(OutboxRelay).start();
  }
  health.markReady();
  return { context, port };
}
