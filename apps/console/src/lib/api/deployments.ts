'use client';

import { DeploymentPage, DeploymentView, HostPage, PredictionRows, QualitySeries, ResourceSeries, ServingSeries } from '@slipway/contracts';
import { useQuery } from '@tanstack/react-query';
import type { RangePreset } from '../time/time-range';
import { call, path } from './api.client';
import { useList } from './use-list';
import { useSeries } from './use-series';

/** While a rollout walks, the page must not wait for a lost nudge. */
const rolloutPollMs = 1_000;
const restPollMs = 15_000;

export function useDeployments(options: { readonly enabled?: boolean } = {}) {
  return useList({
    key: ['deployments', 'list'],
    schema: DeploymentPage,
    address: '/v1/deployments',
    refetchInterval: restPollMs,
    ...options,
  });
}

export function useDeployment(name: string, options: { readonly enabled?: boolean; readonly pollMs?: number } = {}) {
  return useQuery({
    queryKey: ['deployments', 'one', name],
    queryFn: ({ signal }) => call(DeploymentView, path`/v1/deployments/${name}`, { signal }),
    refetchInterval: ({ state }) => options.pollMs ?? (state.data?.rollout?.status === 'PROGRESSING' ? rolloutPollMs : restPollMs),
    enabled: options.enabled ?? true,
  });
}

export function useServing(name: string, range: RangePreset, options: { readonly enabled?: boolean } = {}) {
  return useSeries(ServingSeries, 'serving', name, range, options);
}

export function useResources(name: string, range: RangePreset, options: { readonly enabled?: boolean } = {}) {
  return useSeries(ResourceSeries, 'resources', name, range, options);
}

export function useQuality(name: string, range: RangePreset) {
  return useSeries(QualitySeries, 'quality', name, range);
}

export function useHosts() {
  return useList({ key: ['hosts'], schema: HostPage, address: '/v1/hosts', refetchInterval: restPollMs });
}

export function usePrediction(id: string) {
  return useQuery({
    queryKey: ['predictions', id],
    queryFn: ({ signal }) => call(PredictionRows, path`/v1/predictions/${id}`, { signal }),
  });
}
