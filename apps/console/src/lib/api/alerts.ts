'use client';

import { AlertPage, AlertRulePage, AlertView, DeliveryPage, ReceiverPage } from '@slipway/contracts';
import { useQuery } from '@tanstack/react-query';
import { call, path } from './api.client';
import { useList } from './use-list';

const pollMs = 15_000;

export function useAlerts(state?: 'pending' | 'firing' | 'resolved') {
  return useList({ key: ['alerts'], schema: AlertPage, address: '/v1/alerts', query: { state }, refetchInterval: pollMs });
}

export function useAlert(id: string) {
  return useQuery({
    queryKey: ['alerts', 'one', id],
    queryFn: ({ signal }) => call(AlertView, path`/v1/alerts/${id}`, { signal }),
    refetchInterval: pollMs,
  });
}

export function useAlertRules() {
  return useList({ key: ['alert-rules'], schema: AlertRulePage, address: '/v1/alert-rules', refetchInterval: pollMs });
}

export function useReceivers() {
  return useList({ key: ['receivers'], schema: ReceiverPage, address: '/v1/receivers' });
}

export function useDeliveries(receiver?: string) {
  return useList({ key: ['deliveries'], schema: DeliveryPage, address: '/v1/deliveries', query: { receiver }, limit: 50, refetchInterval: pollMs });
}
