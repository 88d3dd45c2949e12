import { formatBytes, formatCount, formatNumber } from '@/lib/text/format-number';

const words: Readonly<Record<string, string>> = {
  replicas: 'Replicas',
  memoryBytes: 'Memory',
  threads: 'Threads',
  gpus: 'GPUs',
  requestsPerSecond: 'Requests a second',
  burst: 'At once after a quiet time',
  concurrency: 'Under way at a time',
  storageBytes: 'Files',
  models: 'Models',
  versions: 'Versions',
};

/** The resource as people say it. */
export function resourceWords(resource: string): string {
  return words[resource] ?? resource;
}

/** An amount of a resource in its unit. */
export function amountText(resource: string, amount: number | undefined): string {
  if (amount === undefined) return '–';
  if (resource.endsWith('Bytes')) return formatBytes(amount);
  return resource === 'requestsPerSecond' ? formatNumber(amount) : formatCount(amount);
}

/** Share of the limit that is taken, 0 to 1; undefined without a limit. */
export function takenShare(used: number | undefined, limit: number | undefined): number | undefined {
  if (limit === undefined || used === undefined) return undefined;
  return limit === 0 ? 1 : Math.min(1, used / limit);
}
