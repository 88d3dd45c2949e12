'use client';

import type { Page } from '@slipway/contracts';
import { type QueryKey, useInfiniteQuery } from '@tanstack/react-query';
import { call, type Parser } from './api.client';

export interface ListOptions<T> {
  readonly key: QueryKey;
  readonly schema: Parser<Page<T> | { items: T[]; nextCursor?: string | undefined }>;
  readonly address: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly limit?: number;
  readonly enabled?: boolean;
  readonly refetchInterval?: number;
}

/** A list of the API, page by page; `items` holds what has been loaded so far. */
export function useList<T>({ key, schema, address, query = {}, limit = 200, enabled = true, refetchInterval }: ListOptions<T>) {
  const result = useInfiniteQuery({
    queryKey: [...key, query, limit],
    enabled,
    ...(refetchInterval !== undefined && { refetchInterval }),
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => call(schema, `${address}?${search({ ...query, limit: String(limit), cursor: pageParam })}`, { signal }),
    getNextPageParam: (page) => page.nextCursor,
  });
  return { ...result, items: result.data?.pages.flatMap((page) => [...page.items]) };
}

/** A query string without its empty parts. */
export function search(values: Readonly<Record<string, string | undefined>>): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined && value !== '') params.set(name, value);
  return params.toString();
}
