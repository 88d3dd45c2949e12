import {
  Counter,
  type EndedInstance,
  FailureStore,
  Gauge,
  HostRecorder,
  HostWindowStore,
  PendingRows,
  type Registry,
  ResourceRecorder,
  ResourceWindowStore,
  type SampledInstance,
  WindowFlush,
} from '@slipway/metrics';
import { newId } from '@slipway/platform';
import type { Platform } from '../platform.js';
import type { HostAgent } from '../supervising/host-agent.js';
import { Repeater } from '../supervising/repeater.js';
import { ResourceSampler } from './resource-sampler.js';

const sampleEveryMs = 2_000;
/** Ends of instances that wait for the database: hours of crash loops. */
const pendingFailuresMax = 5_000;

/** Measures the instances of this host and the host itself, and notes every end of an instance that nobody had asked for. */
export function measureResources({ db, log, shutdown }: Platform, agent: HostAgent, registry: Registry): void {
  const hostId = () => {
    if (agent.hostId === undefined) throw new Error('the host is not registered yet');
    return agent.hostId;
  };
  const recorder = new ResourceRecorder({ registry });
  const host = new HostRecorder();
  const failures = watchFailures(agent, recorder, registry);
  exposeInstances(agent, registry);
  const failureStore = new FailureStore(db.pool);
  const flushes = [
    new WindowFlush(recorder, (windows) => new ResourceWindowStore(db.pool, hostId()).write(windows), log),
    new WindowFlush(host, (windows) => new HostWindowStore(db.pool, hostId()).write(windows), log),
    new WindowFlush(failures, (ended) => failureStore.writeInstances(ended.map((one) => ({ ...one, hostId: one.hostId || hostId() }))), log),
  ];
  const sampler = new ResourceSampler(recorder, host, () => sampled(agent));
  const loop = new Repeater('sample resources', () => sampler.sample(), log);
  loop.start({ everyMs: sampleEveryMs });
  shutdown.add('resource windows', async () => {
    await loop.close();
    for (const flush of flushes) await flush.close();
  });
}

function exposeInstances(agent: HostAgent, registry: Registry): void {
  new Gauge({
    name: 'slipway_pool_workers',
    help: 'Instances on this host that have a process, by whether they are ready.',
    labelNames: ['project', 'deployment', 'version', 'state'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { projectId, deploymentName, versionNumber, isReady } of agent.list()) {
        this.inc({ project: projectId, deployment: deploymentName, version: String(versionNumber), state: isReady ? 'ready' : 'loading' });
      }
    },
  });
}

function sampled(agent: HostAgent): SampledInstance[] {
  return agent
    .list()
    .map(({ deploymentName, revisionNumber, ...instance }) => ({ ...instance, deployment: deploymentName, revision: revisionNumber }));
}

function watchFailures(agent: HostAgent, recorder: ResourceRecorder, registry: Registry): PendingRows<EndedInstance> {
  const counter = new Counter({
    name: 'slipway_instance_failures_total',
    help: 'Instances that ended without having been asked to, by reason.',
    labelNames: ['project', 'deployment', 'version', 'reason'],
    registers: [registry],
  });
  const dropped = new Counter({
    name: 'slipway_instance_failures_dropped_total',
    help: 'Ends of instances that were given up because the database was away for too long.',
    registers: [registry],
  });
  const restarts = new Counter({
    name: 'slipway_pool_restarts_total',
    help: 'Instances that were started again in place after an end that nobody had asked for, by reason.',
    labelNames: ['project', 'deployment', 'version', 'reason'],
    registers: [registry],
  });
  const pending = new PendingRows<EndedInstance>(pendingFailuresMax, (count) => dropped.inc(count));
  agent.watchFailures((identity, end) => {
    const { projectId, deploymentId, deploymentName, revisionId, revisionNumber, versionNumber, instanceId } = identity;
    const labels = { project: projectId, deployment: deploymentName, version: String(versionNumber), reason: end.reason };
    counter.inc(labels);
    if (end.restarts) restarts.inc(labels);
    if (end.reason === 'oom_killed') {
      const { memoryLimitBytes } = end;
      recorder.noteOomKill({
        instanceId,
        projectId,
        deploymentId,
        deployment: deploymentName,
        revisionId,
        revision: revisionNumber,
        versionNumber,
        pid: 0,
        memoryLimitBytes,
      });
    }
    pending.add({
      id: newId('flr'),
      atMs: Date.now(),
      projectId,
      deploymentId,
      revisionId,
      versionNumber,
      instanceId,
      hostId: agent.hostId ?? '',
      reason: end.reason,
      signal: end.signal ?? null,
      exitCode: end.exitCode ?? null,
      wasReady: end.wasReady,
      restarts: end.restarts,
      message: end.message,
    });
  });
  return pending;
}
