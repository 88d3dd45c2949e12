import type { InstanceView } from '@slipway/contracts';
import { formatBytes, plural } from '../../lib/text/format-number';

type Setup = Pick<InstanceView, 'provider' | 'providerNote' | 'threads' | 'threadsNote' | 'memoryLimitBytes' | 'memoryLimitBy'>;

/** What an instance runs with, in words. */
export interface RunsOn {
  /** The provider, with what was wished instead where that is short enough to stand beside it; undefined while the model is not loaded. */
  readonly provider: string | undefined;
  /** It is not the provider that was wished first. */
  readonly isFallback: boolean;
  /** Threads and memory; undefined before the first start. */
  readonly limits: string | undefined;
  /** Who sees to the memory limit. */
  readonly limitedBy: string | undefined;
  /** What did not go as wished and has no place above. */
  readonly notes: readonly string[];
}

const besideLength = 60;

export function runsOn({ provider, providerNote, threads, threadsNote, memoryLimitBytes, memoryLimitBy }: Setup): RunsOn {
  const isShort = providerNote !== null && providerNote.length <= besideLength;
  const limits = [
    ...(threads === null ? [] : [plural(threads, 'thread')]),
    ...(memoryLimitBytes === null ? [] : [`at most ${formatBytes(memoryLimitBytes)}`]),
  ];
  const notes = [...(providerNote === null || isShort ? [] : [providerNote]), ...(threadsNote === null ? [] : [`threads: ${threadsNote}`])];
  return {
    provider: provider === null ? undefined : isShort ? `${provider} (${providerNote})` : provider,
    isFallback: providerNote !== null,
    limits: limits.length === 0 ? undefined : limits.join(', '),
    limitedBy: memoryLimitBy === null ? undefined : limiters[memoryLimitBy],
    notes,
  };
}

const limiters: Readonly<Record<'system' | 'worker', string>> = {
  system: 'The operating system lets it have no more memory than that.',
  worker: 'The worker looks at its memory several times a second and ends it when it has more than that.',
};
