'use client';

import { QuotaPage } from '@slipway/contracts';
import { useList } from './use-list';

export function useQuotas() {
  return useList({ key: ['quotas'], schema: QuotaPage, address: '/v1/quotas', refetchInterval: 5_000 });
}
