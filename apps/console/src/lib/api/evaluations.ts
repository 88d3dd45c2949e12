'use client';

import { DatasetPage, EvaluationPage, GatesView, VersionComparison } from '@slipway/contracts';
import { useQuery } from '@tanstack/react-query';
import { call, path } from './api.client';
import { search, useList } from './use-list';

const runningPollMs = 2_000;

export function useDatasets(model: string) {
  return useList({ key: ['models', 'datasets', model], schema: DatasetPage, address: path`/v1/models/${model}/datasets` });
}

export function useEvaluations(model: string) {
  return useList({
    key: ['models', 'evaluations', model],
    schema: EvaluationPage,
    address: path`/v1/models/${model}/evaluations`,
    limit: 100,
    refetchInterval: runningPollMs,
  });
}

export function useGates(model: string) {
  return useQuery({ queryKey: ['models', 'gates', model], queryFn: ({ signal }) => call(GatesView, path`/v1/models/${model}/gates`, { signal }) });
}

/** Two to four versions on the rows of one labelled set. */
export function useComparison(model: string, versions: readonly number[], dataset: string) {
  return useQuery({
    queryKey: ['models', 'comparison', model, versions, dataset],
    queryFn: ({ signal }) =>
      call(VersionComparison, `${path`/v1/models/${model}/compare`}?${search({ versions: versions.join(','), dataset })}`, { signal }),
    enabled: versions.length > 1 && dataset !== '',
    retry: false,
  });
}
