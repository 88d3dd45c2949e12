import { CreateRevision, type DeploymentView, type InstanceStatus, SlipwayError } from '@slipway/contracts';
import { DeploymentStore, RevisionStore } from '@slipway/deployments';
import { type ChangeBy, type Database, isDatabaseUnavailable, type Logger } from '@slipway/platform';
import type { LiveRouting } from './live-routing.js';
import { type LoadChange, readLoadConfig } from './load-config.js';
import { revisionFor } from './metadata.js';
import { type ModelConfig, modelConfig } from './model-config.js';
import type { RepositoryAsk, RepositoryControl } from './repository-control.js';

const reason = 'asked for by the repository API of the inference protocol';
/** The gateway's own view is looked at this often, the database's every tenth time. */
const lookEveryMs = 50;
const readEvery = 10;
/** Changes that are waited for at once. */
const maxOpen = 64;

export interface DeploymentRepositoryOptions {
  readonly db: Database;
  /** What this gateway serves right now; a load is done when a prediction would be answered here. */
  readonly routing: () => Pick<LiveRouting, 'find'>;
  readonly log: Logger;
}

/** Loads and unloads by writing the same wishes as /v1 does, then waits until they have come true. */
export class DeploymentRepository implements RepositoryControl {
  private readonly deployments: DeploymentStore;
  private readonly revisions: RevisionStore;
  private open = 0;

  constructor(private readonly options: DeploymentRepositoryOptions) {
    this.deployments = new DeploymentStore(options.db);
    this.revisions = new RevisionStore(options.db);
  }

  load(ask: RepositoryAsk, config?: string): Promise<void> {
    return this.within(ask, async () => {
      const view = await this.view(ask);
      const change = config === undefined ? undefined : readLoadConfig(config, this.shownConfig(ask));
      if (hasFailed(view)) {
        await this.serveRevision(ask, view, change ?? {});
        return;
      }
      if (view.suspended) await this.deployments.suspend(byOf(ask), ask.model, { suspended: false, reason });
      await this.untilServing(ask, undefined);
      if (change !== undefined && Object.keys(change).length > 0) await this.serveRevision(ask, await this.view(ask), change);
    });
  }

  unload(ask: RepositoryAsk): Promise<void> {
    return this.within(ask, async () => {
      await this.deployments.suspend(byOf(ask), ask.model, { suspended: true, reason });
      await this.until(ask, 'unloaded', {
        here: () => this.routing(ask)?.current.suspended !== false,
        there: (view) => {
          if (!view.suspended) throw changed(ask, 'resumed');
          return view.instances.every((instance) => !livingStatuses.has(instance.status));
        },
      });
    });
  }

  /** A new revision of what serves, or else of the newest, with the change; resolves when it has the traffic. */
  private async serveRevision(ask: RepositoryAsk, view: DeploymentView, change: LoadChange): Promise<void> {
    const base = view.revisions.find((revision) => revision.weightPercent > 0) ?? view.revisions[0];
    if (base === undefined) throw new SlipwayError('DEPLOYMENT_NOT_READY', `"${ask.model}" has no revision yet`);
    const { version = base.version, replicas, batching, executionProviders } = change;
    const spec = {
      ...(batching === undefined ? {} : { batching: { ...base.spec.batching, ...batching } }),
      ...(executionProviders === undefined ? {} : { executionProviders }),
    };
    await this.revisions.create(byOf(ask), ask.model, CreateRevision.parse({ version, replicas, spec, reason }));
    const { rollout } = await this.view(ask);
    await this.untilServing(ask, rollout?.toRevision);
  }

  /** @param revision the one that must have all of the traffic; without it, any. */
  private untilServing(ask: RepositoryAsk, revision: number | undefined): Promise<void> {
    return this.until(ask, 'loaded', {
      here: () => {
        const deployment = this.routing(ask);
        const lane = deployment?.mainLane();
        if (deployment === undefined || lane === undefined || lane.readyCount === 0) return false;
        return revision === undefined || (lane.revision.number === revision && deployment.current.split.length === 1);
      },
      there: (view) => {
        if (view.suspended) throw changed(ask, 'suspended');
        if (revision !== undefined && view.rollout?.toRevision !== revision) throw changed(ask, 'given another revision');
        const isLost = revision === undefined ? hasFailed(view) : view.rollout?.status === 'ABORTED';
        if (!isLost) return true;
        const why = view.rollout?.causeDetail ?? view.rollout?.cause ?? view.statusReason ?? 'the reason is not known';
        throw new SlipwayError('DEPLOYMENT_NOT_READY', `"${ask.model}" could not be loaded: ${why}`);
      },
    });
  }

  /** Waits until both views agree that it is done. `there` throws when it never will be. */
  private async until(ask: RepositoryAsk, done: string, is: { here(): boolean; there(view: DeploymentView): boolean }): Promise<void> {
    const until = performance.now() + ask.deadlineMs;
    for (let look = 0; ; look += 1) {
      const isHere = is.here();
      const isRead = isHere || look % readEvery === 0;
      if (isRead && is.there(await this.view(ask)) && isHere) return;
      if (ask.signal.aborted) throw new SlipwayError('DEADLINE_EXCEEDED', 'the caller has left');
      if (performance.now() >= until) {
        const seconds = ask.deadlineMs / 1000;
        const message = `"${ask.model}" is not ${done} after ${seconds} s; the wish stands, POST /v2/repository/index shows how far it is`;
        throw new SlipwayError('DEADLINE_EXCEEDED', message);
      }
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }

  private async within(ask: RepositoryAsk, work: () => Promise<void>): Promise<void> {
    if (this.open >= maxOpen)
      throw new SlipwayError('QUEUE_FULL', `${maxOpen} changes are waited for already; come back in a moment`, { retryAfterSeconds: 5 });
    this.open += 1;
    try {
      await work();
    } catch (error) {
      throw this.explain(ask, error);
    } finally {
      this.open -= 1;
    }
  }

  private explain(ask: RepositoryAsk, error: unknown): SlipwayError {
    if (error instanceof SlipwayError) return error;
    if (isDatabaseUnavailable(error)) {
      const message = 'the registry database is away; predictions go on, changes have to wait';
      return new SlipwayError('DATABASE_UNAVAILABLE', message, { cause: error, retryAfterSeconds: 2 });
    }
    this.options.log.error({ err: error, deployment: ask.model, requestId: ask.requestId }, 'repository request failed');
    return new SlipwayError('INTERNAL', 'something went wrong inside Slipway; its log has it', { cause: error });
  }

  private shownConfig(ask: RepositoryAsk): ModelConfig {
    const deployment = this.routing(ask);
    const revision = deployment === undefined ? undefined : revisionFor(deployment, undefined);
    const config = typeof revision === 'object' ? modelConfig(ask.model, revision) : undefined;
    if (config === undefined) throw new SlipwayError('DEPLOYMENT_NOT_READY', `nothing is known of "${ask.model}" yet`);
    return config;
  }

  private view(ask: RepositoryAsk): Promise<DeploymentView> {
    return this.deployments.view(ask.projectId, ask.model);
  }

  private routing(ask: RepositoryAsk) {
    return this.options.routing().find(ask.projectId, ask.model);
  }
}

const livingStatuses: ReadonlySet<InstanceStatus> = new Set(['ASSIGNED', 'LOADING', 'READY', 'DRAINING']);

/** Nothing serves, and the walk that would have led there is over. */
function hasFailed(view: DeploymentView): boolean {
  return !view.suspended && view.split.length === 0 && view.rollout?.status === 'ABORTED';
}

function byOf({ projectId, actor, requestId }: RepositoryAsk): ChangeBy {
  return { projectId, actor, requestId };
}

function changed(ask: RepositoryAsk, what: string): SlipwayError {
  return new SlipwayError('DEPLOYMENT_CHANGED', `"${ask.model}" was ${what} by somebody else at the same moment`);
}
