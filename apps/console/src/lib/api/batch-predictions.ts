'use client';

import { BatchPredictionPage, BatchPredictionView, RowErrorPage } from '@slipway/contracts';
import { useQuery } from '@tanstack/react-query';
import { call, callVoid, path } from './api.client';
import { useList } from './use-list';

/** While a job runs its progress changes without events. */
const runningPollMs = 1_000;
const restPollMs = 15_000;

export function useBatchPredictions() {
  return useList({
    key: ['batch-predictions', 'list'],
    schema: BatchPredictionPage,
    address: '/v1/batch-predictions',
    limit: 50,
    refetchInterval: 3_000,
  });
}

export function useBatchPrediction(id: string) {
  return useQuery({
    queryKey: ['batch-predictions', 'one', id],
    queryFn: ({ signal }) => call(BatchPredictionView, path`/v1/batch-predictions/${id}`, { signal }),
    refetchInterval: ({ state }) => (state.data !== undefined && state.data.finishedAt === null ? runningPollMs : restPollMs),
  });
}

/** Rows without a prediction; looked at again when there are more of them. */
export function useRowErrors(id: string, failed: number) {
  return useList({
    key: ['batch-predictions', 'errors', id, failed],
    schema: RowErrorPage,
    address: path`/v1/batch-predictions/${id}/errors`,
    limit: 50,
  });
}

export function cancelBatchPrediction(id: string): Promise<BatchPredictionView> {
  return call(BatchPredictionView, path`/v1/batch-predictions/${id}/cancel`, { method: 'POST' });
}

export function deleteBatchPrediction(id: string): Promise<void> {
  return callVoid(path`/v1/batch-predictions/${id}`, { method: 'DELETE' });
}

/** Where the result is downloaded. */
export function resultAddress(id: string): string {
  return path`/v1/batch-predictions/${id}/result`;
}
