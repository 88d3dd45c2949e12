'use client';

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type RangePreset, windowOf } from '../time/time-range';
import { call, type Parser, path } from './api.client';
import { search } from './use-list';

interface SeriesOptions {
  readonly enabled?: boolean;
  /** Besides the window: a version, a slice, a column. */
  readonly filter?: Readonly<Record<string, string>>;
}

/** A series of a deployment over the page's time range; the last one stays on the screen until the next has come. */
export function useSeries<T>(schema: Parser<T>, noun: string, name: string, range: RangePreset, { enabled = true, filter = {} }: SeriesOptions = {}) {
  return useQuery({
    queryKey: ['series', noun, name, range.id, filter],
    queryFn: ({ signal }) => {
      const { from, to, stepSeconds } = windowOf(range, new Date());
      const query = search({ from: from.toISOString(), to: to.toISOString(), step: String(stepSeconds), ...filter });
      return call(schema, `${path`/v1/deployments/${name}/`}${noun}?${query}`, { signal });
    },
    refetchInterval: range.refetchMs,
    placeholderData: keepPreviousData,
    enabled,
  });
}
