'use client';

import { ReplayDifferences, ReplayPage, ReplayView } from '@slipway/contracts';
import { useQuery } from '@tanstack/react-query';
import { call, path } from './api.client';
import { useList } from './use-list';

const pollMs = 3_000;

export function useReplays(deployment: string) {
  return useList({ key: ['replays', 'list'], schema: ReplayPage, address: '/v1/replays', query: { deployment }, refetchInterval: pollMs });
}

export function useReplay(id: string) {
  return useQuery({
    queryKey: ['replays', 'one', id],
    queryFn: ({ signal }) => call(ReplayView, path`/v1/replays/${id}`, { signal }),
    refetchInterval: ({ state }) => (state.data?.finishedAt === null || state.data === undefined ? 1_000 : false),
  });
}

/** The most different requests, side by side. */
export function useReplayDifferences(id: string, done: number) {
  return useQuery({
    queryKey: ['replays', 'differences', id, done],
    queryFn: ({ signal }) => call(ReplayDifferences, path`/v1/replays/${id}/differences`, { signal }),
  });
}
