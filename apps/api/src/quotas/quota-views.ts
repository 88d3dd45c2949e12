import type { Page, PageQuery, QuotaView } from '@slipway/contracts';
import { deploymentNames, type Footing, nothing, type Quota, type QuotaScope, QuotaStore } from '@slipway/deployments';
import { decodeCursor, pageFrom } from '@slipway/platform';
import type { QuotaGates } from '../gateway/quota-gates.js';
import type { Platform } from '../platform.js';

/** What a project takes now, read once for many views. */
interface Use {
  readonly total: Readonly<Record<string, number>>;
  readonly byDeployment: ReadonlyMap<string, Footing>;
}

/** A quota with what was refused for it since the start, by resource. */
export interface ScopedQuota {
  readonly projectId: string;
  readonly view: QuotaView;
  readonly refusals: Readonly<Record<string, number>>;
}

/** Quotas beside what is used of them: rows tell what is wished for and stored, the gateway what is predicted. */
export class QuotaViews {
  private readonly store: QuotaStore;

  constructor(
    private readonly db: Platform['db']['prisma'],
    private readonly gates: QuotaGates,
  ) {
    this.store = new QuotaStore(db);
  }

  /** The project first, whether it is limited or not, then the limited deployments by name. @throws SlipwayError CURSOR_INVALID */
  async list(projectId: string, query: PageQuery): Promise<Page<QuotaView>> {
    const views = (await this.all(projectId)).map(({ view }) => view);
    const list = `quotas:${projectId}`;
    const after = decodeCursor(list, query.cursor);
    const start = after === undefined ? 0 : views.findIndex((view) => view.scope === after) + 1;
    const rows = views.slice(start, start + query.limit + 1);
    return pageFrom(rows, { list, limit: query.limit, positionOf: (view) => view.scope, toView: (view) => view });
  }

  /** Every scope of a project that is limited, and the project itself. */
  async all(projectId: string): Promise<readonly ScopedQuota[]> {
    const quotas = await this.store.list(projectId);
    const names = await deploymentNames(
      this.db,
      quotas.flatMap((quota) => quota.deploymentId ?? []),
    );
    const use = await this.use(projectId);
    const whole = quotas.find((quota) => quota.deploymentId === undefined);
    const ofDeployments = quotas.flatMap((quota) => {
      const name = quota.deploymentId === undefined ? undefined : names.get(quota.deploymentId);
      return name === undefined ? [] : [this.scoped(projectId, { scope: `deployment:${name}`, deploymentId: quota.deploymentId }, quota, use)];
    });
    const project = this.scoped(projectId, { scope: 'project', deploymentId: undefined }, whole, use);
    return [project, ...ofDeployments.sort((a, b) => (a.view.scope < b.view.scope ? -1 : 1))];
  }

  /** @throws SlipwayError QUOTA_NOT_FOUND, DEPLOYMENT_NOT_FOUND */
  async get(projectId: string, scopeName: string): Promise<QuotaView> {
    const scope = await this.store.scope(projectId, scopeName);
    return this.view(projectId, scope, await this.store.find(projectId, scope), await this.use(projectId));
  }

  /** Projects that have quotas. */
  async projects(): Promise<readonly string[]> {
    return [...new Set((await this.store.list()).map((quota) => quota.projectId))];
  }

  private scoped(projectId: string, scope: QuotaScope, quota: Quota | undefined, use: Use): ScopedQuota {
    const gate = this.gates.find(scope.deploymentId ?? projectId);
    return { projectId, view: this.view(projectId, scope, quota, use), refusals: gate?.refusals ?? {} };
  }

  private async use(projectId: string): Promise<Use> {
    const [{ byDeployment, total }, registry] = await Promise.all([this.store.footings(projectId), this.store.registryUse(projectId)]);
    return { byDeployment, total: { ...total, ...registry } };
  }

  private view(projectId: string, { scope, deploymentId }: QuotaScope, quota: Quota | undefined, use: Use): QuotaView {
    const gate = this.gates.find(deploymentId ?? projectId);
    const rows = deploymentId === undefined ? use.total : (use.byDeployment.get(deploymentId) ?? nothing);
    const live: Record<string, number> = gate === undefined ? {} : { requestsPerSecond: gate.perSecond(performance.now()), concurrency: gate.inside };
    return {
      scope,
      limits: quota === undefined ? null : statedOf(quota.limits),
      policy: quota?.policy ?? null,
      used: { ...rows, ...live },
      updatedAt: quota?.updatedAt.toISOString() ?? null,
      updatedBy: quota?.updatedBy ?? null,
    };
  }
}

function statedOf(limits: Quota['limits']): Record<string, number> {
  return Object.fromEntries(Object.entries(limits).flatMap(([resource, limit]) => (limit === undefined ? [] : [[resource, limit]])));
}
