'use client';

import { JudgementList, WatchSettingsView } from '@slipway/contracts';
import { useQuery } from '@tanstack/react-query';
import { call, path } from './api.client';

const pollMs = 15_000;

/** The newest judgement of each thing that is watched of a deployment. */
export function useJudgements(name: string) {
  return useQuery({
    queryKey: ['watch', 'judgements', name],
    queryFn: ({ signal }) => call(JudgementList, path`/v1/deployments/${name}/judgements`, { signal }),
    refetchInterval: pollMs,
  });
}

export function useWatchSettings(name: string) {
  return useQuery({
    queryKey: ['watch', 'settings', name],
    queryFn: ({ signal }) => call(WatchSettingsView, path`/v1/deployments/${name}/watch`, { signal }),
  });
}
