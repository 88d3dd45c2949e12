'use client';

import { ModelPage, ModelView, VersionDetail, VersionPage } from '@slipway/contracts';
import { useQuery } from '@tanstack/react-query';
import { call, path } from './api.client';
import { useList } from './use-list';

/** A version under validation changes within seconds; the event stream usually says so first. */
const validatingPollMs = 1_500;

export function useModels(options: { readonly enabled?: boolean } = {}) {
  return useList({ key: ['models', 'list'], schema: ModelPage, address: '/v1/models', ...options });
}

export function useModel(name: string) {
  return useQuery({ queryKey: ['models', 'one', name], queryFn: ({ signal }) => call(ModelView, path`/v1/models/${name}`, { signal }) });
}

export function useVersions(model: string, options: { readonly enabled?: boolean } = {}) {
  return useList({ key: ['models', 'versions', model], schema: VersionPage, address: path`/v1/models/${model}/versions`, ...options });
}

export function useVersion(model: string, version: number, options: { readonly enabled?: boolean } = {}) {
  return useQuery({
    queryKey: ['models', 'version', model, version],
    queryFn: ({ signal }) => call(VersionDetail, path`/v1/models/${model}/versions/${version}`, { signal }),
    refetchInterval: ({ state }) => (state.data && state.data.status !== 'READY' && state.data.status !== 'REJECTED' ? validatingPollMs : false),
    ...options,
  });
}
