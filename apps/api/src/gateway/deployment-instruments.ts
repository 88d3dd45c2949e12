import { Gauge, type Registry, SeriesBudget } from '@slipway/metrics';
import type { GatewayCore } from './gateway-core.js';
import type { ServingDeployment } from './serving-deployment.js';

/** Time series that one deployment takes: requests that wait, when it changed, and what it serves, which are two versions at most. */
const seriesPerDeployment = 4;
const changesEveryMs = 10_000;

/**
 * What each deployment serves, and since when; read when scraped.
 * @param changes when the routing of deployments last changed, in epoch ms by id. While it cannot be told, what was known stays.
 */
export function exposeDeployments(registry: Registry, core: GatewayCore, changes: () => Promise<ReadonlyMap<string, number>>): void {
  const shown = new ShownDeployments(registry, core);
  const registers = [registry];
  new Gauge({
    name: 'slipway_inference_pending_requests',
    help: 'Prediction requests that wait in the gateway for an instance.',
    labelNames: ['project', 'deployment'],
    registers,
    collect() {
      this.reset();
      for (const { current, waitingCount } of shown.now()) this.set(labelsOf(current), waitingCount);
    },
  });
  new Gauge({
    name: 'slipway_deployment_info',
    help: 'What a deployment sends requests to; always 1.',
    labelNames: ['project', 'deployment', 'model', 'version', 'revision', 'digest'],
    registers,
    collect() {
      this.reset();
      for (const { current } of shown.now()) {
        for (const { revisionId } of current.split) {
          const revision = current.revisions.find((one) => one.revisionId === revisionId);
          if (revision === undefined) continue;
          const { modelName, versionNumber, number, digest } = revision;
          this.set({ ...labelsOf(current), model: modelName, version: String(versionNumber), revision: String(number), digest }, 1);
        }
      }
    },
  });
  const known = new KnownChanges(changes);
  new Gauge({
    name: 'slipway_deployment_changed_timestamp_seconds',
    help: 'When the routing of a deployment last changed: it was made, or a rollout began or was over.',
    labelNames: ['project', 'deployment'],
    registers,
    async collect() {
      const at = await known.read();
      this.reset();
      for (const { current } of shown.now()) {
        const changedMs = at.get(current.deploymentId);
        if (changedMs !== undefined) this.set(labelsOf(current), changedMs / 1000);
      }
    },
  });
}

function labelsOf({ projectId, name }: ServingDeployment['current']): { project: string; deployment: string } {
  return { project: projectId, deployment: name };
}

/** The deployments that fit under the cap of series. */
class ShownDeployments {
  private readonly budget: SeriesBudget;
  private taken = new Map<string, boolean>();

  constructor(
    registry: Registry,
    private readonly core: GatewayCore,
  ) {
    this.budget = SeriesBudget.of(registry);
  }

  now(): ServingDeployment[] {
    const all = [...this.core.routing.all];
    const living = new Set(all.map(({ current }) => current.deploymentId));
    for (const [id, hasPlace] of this.taken) {
      if (living.has(id)) continue;
      this.taken.delete(id);
      if (hasPlace) this.budget.release(seriesPerDeployment);
    }
    for (const id of living) if (!this.taken.has(id)) this.taken.set(id, this.budget.take(seriesPerDeployment));
    return all.filter(({ current }) => this.taken.get(current.deploymentId) === true);
  }
}

/** Asks at most every ten seconds, however many scrape. */
class KnownChanges {
  private known: ReadonlyMap<string, number> = new Map();
  private askedMs = Number.NEGATIVE_INFINITY;

  constructor(private readonly ask: () => Promise<ReadonlyMap<string, number>>) {}

  async read(): Promise<ReadonlyMap<string, number>> {
    const now = performance.now();
    if (now - this.askedMs < changesEveryMs) return this.known;
    this.askedMs = now;
    this.known = await this.ask().catch(() => this.known);
    return this.known;
  }
}
