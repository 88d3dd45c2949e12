'use client';

import { HistoryComparison, HistoryPage } from '@slipway/contracts';
import { useList } from './use-list';

/** What there was at a time, or right after an event. */
export function useHistory(at: string, kind: string | undefined) {
  return useList({ key: ['events', 'history'], schema: HistoryPage, address: '/v1/history', query: { at, kind }, limit: 100, enabled: at !== '' });
}

/** What has changed from a time until now. */
export function useChangesSince(from: string, kind: string | undefined) {
  return useList({
    key: ['events', 'history-compare'],
    schema: HistoryComparison,
    address: '/v1/history/compare',
    query: { from, kind },
    limit: 100,
    enabled: from !== '',
  });
}
