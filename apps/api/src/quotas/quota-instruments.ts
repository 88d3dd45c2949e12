import { Counter, Gauge, type Registry } from '@slipway/metrics';
import type { ScopedQuota } from './quota-views.js';

/** Scopes that are told of; the rest is left out, so that the number of series has a bound. */
export const scopesMax = 500;
const labelNames = ['project', 'scope', 'resource'];

/**
 * Limits and what is used of them, and what was refused, for scopes with a quota.
 * @param read called when scraped, three times; it should remember for some seconds.
 */
export function exposeQuotas(registry: Registry, read: () => Promise<readonly ScopedQuota[]>): void {
  const registers = [registry];
  const valuesOf = async (choose: (quota: ScopedQuota) => Readonly<Record<string, number>>) => {
    const limited = (await read()).filter(({ view }) => view.limits !== null).slice(0, scopesMax);
    return limited.flatMap((quota) =>
      Object.entries(choose(quota)).map(([resource, value]) => ({ labels: { project: quota.projectId, scope: quota.view.scope, resource }, value })),
    );
  };
  new Gauge({
    name: 'slipway_quota_limit',
    help: 'What a project or a deployment may take, in the unit of the resource.',
    labelNames,
    registers,
    async collect() {
      this.reset();
      for (const { labels, value } of await valuesOf(({ view }) => view.limits ?? {})) this.set(labels, value);
    },
  });
  new Gauge({
    name: 'slipway_quota_used',
    help: 'What is taken of a quota now; of rates and predictions under way, by this process alone.',
    labelNames,
    registers,
    async collect() {
      this.reset();
      for (const { labels, value } of await valuesOf(limitedUse)) this.set(labels, value);
    },
  });
  new Counter({
    name: 'slipway_quota_rejections_total',
    help: 'Predictions refused because a quota was used up.',
    labelNames,
    registers,
    async collect() {
      this.reset();
      for (const { labels, value } of await valuesOf(({ refusals }) => refusals)) this.inc(labels, value);
    },
  });
}

function limitedUse({ view }: ScopedQuota): Record<string, number> {
  return Object.fromEntries(Object.entries(view.used).filter(([resource]) => view.limits?.[resource] !== undefined));
}
