'use client';

import { EventPage, KeyPage, SessionView } from '@slipway/contracts';
import { useQuery } from '@tanstack/react-query';
import { call } from './api.client';
import { useList } from './use-list';

export function useSession() {
  return useQuery({
    queryKey: ['session'],
    queryFn: ({ signal }) => call(SessionView, '/v1/session', { signal }),
    staleTime: 300_000,
  });
}

export function useKeys() {
  return useList({ key: ['keys'], schema: KeyPage, address: '/v1/keys' });
}

export interface EventFilter {
  readonly subjectKind?: string | undefined;
  readonly subjectName?: string | undefined;
}

export function useEvents(filter: EventFilter = {}, limit = 100) {
  return useList({ key: ['events'], schema: EventPage, address: '/v1/events', query: { ...filter }, limit });
}
