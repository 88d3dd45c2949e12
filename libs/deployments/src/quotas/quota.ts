import type { QuotaLimits, QuotaPolicy, QuotaResource, RevisionSpec } from '@slipway/contracts';

/** What a project or a deployment may take. */
export interface Quota {
  readonly id: string;
  readonly projectId: string;
  /** Undefined: the project as a whole. */
  readonly deploymentId: string | undefined;
  readonly limits: QuotaLimits;
  readonly policy: QuotaPolicy;
  readonly updatedBy: string;
  readonly updatedAt: Date;
}

/** What runs take, in the units of the limits. */
export interface Footing {
  readonly replicas: number;
  readonly memoryBytes: number;
  readonly threads: number;
  readonly gpus: number;
}

export const nothing: Footing = { replicas: 0, memoryBytes: 0, threads: 0, gpus: 0 };

/**
 * What a revision takes when all its replicas run.
 * @param expectedBytes memory of one instance where the spec does not limit it.
 */
export function footingOf(revision: { readonly replicas: number; readonly spec: RevisionSpec }, expectedBytes: number): Footing {
  const { replicas, spec } = revision;
  // How many threads "auto" becomes is decided where it runs; it takes one at least.
  const threads = spec.intraOpThreads === 'auto' ? 1 : spec.intraOpThreads;
  return {
    replicas,
    memoryBytes: replicas * (spec.memoryLimitBytes ?? expectedBytes),
    threads: replicas * threads,
    gpus: replicas * (spec.gpus ?? 0),
  };
}

export function addFootings(a: Footing, b: Footing): Footing {
  return {
    replicas: a.replicas + b.replicas,
    memoryBytes: a.memoryBytes + b.memoryBytes,
    threads: a.threads + b.threads,
    gpus: a.gpus + b.gpus,
  };
}

/** A limit that a wish would go over. */
export interface Excess {
  readonly resource: QuotaResource;
  readonly limit: number;
  /** Without the wish. */
  readonly used: number;
  /** By the wish, in place of what the same thing takes now. */
  readonly asked: number;
}

/**
 * The limits that a wish would go over. What does not grow is never refused, so that a quota that was lowered below what is used does not
 * stand in the way of using less.
 * @param used of everything under the limits. @param present what the thing that is wished for takes now. @param asked what it would take.
 */
export function excessesOf(
  limits: QuotaLimits,
  used: Partial<Record<QuotaResource, number>>,
  present: Partial<Record<QuotaResource, number>>,
  asked: Partial<Record<QuotaResource, number>>,
): readonly Excess[] {
  const resources = ['replicas', 'memoryBytes', 'threads', 'gpus', 'storageBytes', 'models', 'versions'] as const;
  return resources.flatMap((resource) => {
    const [limit, wanted] = [limits[resource], asked[resource]];
    const now = present[resource] ?? 0;
    if (limit === undefined || wanted === undefined || wanted <= now) return [];
    const others = (used[resource] ?? 0) - now;
    return others + wanted <= limit ? [] : [{ resource, limit, used: used[resource] ?? 0, asked: wanted }];
  });
}
