import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthServer } from './health/health-server.js';
import { Jobs } from './jobs/jobs.js';
import { OutboxRelay } from './jobs/outbox-relay.js';
import type { Platform } from './platform.js';
import { WorkerModule } from './worker.module.js';

export interface RunningWorker {
  readonly context: INestApplicationContext;
  readonly port: number;
}

/** Builds and starts the worker: modules register their handlers, then the queues open, then work is taken. */
export async function createWorker(platform: Platform): Promise<RunningWorker> {
  const context = await NestFactory.createApplicationContext(WorkerModule.with(platform), { logger: ['error', 'warn'], abortOnError: false });
  platform.shutdown.add('worker modules', () => context.close());
  const health = context.get(HealthServer);
  const port = await health.start();
  await platform.nudges.start();
  await context.get(Jobs).start();
  context.get(OutboxRelay).start();
  health.markReady();
  return { context, port };
}
