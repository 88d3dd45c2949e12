'use client';

import { AnomalySeries, DriftSeries, FailureSeries, JudgementList, NoiseSeries, SloSeries, WatchSettingsView } from '@slipway/contracts';
import { useQuery } from '@tanstack/react-query';
import type { RangePreset } from '../time/time-range';
import { call, path } from './api.client';
import { useSeries } from './use-series';

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

export function useNoise(name: string, range: RangePreset) {
  return useSeries(NoiseSeries, 'noise', name, range);
}

export function useObjectives(name: string, range: RangePreset) {
  return useSeries(SloSeries, 'slo', name, range);
}

export function useAnomalies(name: string, range: RangePreset) {
  return useSeries(AnomalySeries, 'anomalies', name, range);
}

export function useFailures(name: string, range: RangePreset) {
  return useSeries(FailureSeries, 'failures', name, range);
}

/** With a column, also how its values are spread. */
export function useDrift(name: string, range: RangePreset, column?: string) {
  return useSeries(DriftSeries, 'drift', name, range, column === undefined ? {} : { filter: { column } });
}
