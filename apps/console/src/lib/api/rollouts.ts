'use client';

import { FreezeWindowPage, RolloutDetail, RolloutPlanPage, ShadowPage } from '@slipway/contracts';
import { useQuery } from '@tanstack/react-query';
import { call, path } from './api.client';
import { isNotFound } from './api-error';
import { useList } from './use-list';

const walkingPollMs = 1_000;
const restPollMs = 15_000;

/** The newest rollout with its walk; null where there has been none. */
export function useRollout(name: string) {
  return useQuery({
    queryKey: ['deployments', 'rollout', name],
    queryFn: async ({ signal }) => {
      try {
        return await call(RolloutDetail, path`/v1/deployments/${name}/rollout`, { signal });
      } catch (error) {
        if (isNotFound(error)) return null;
        throw error;
      }
    },
    refetchInterval: ({ state }) => (isOver(state.data?.status) ? restPollMs : walkingPollMs),
  });
}

function isOver(status: string | undefined): boolean {
  return status === undefined || status === 'COMPLETED' || status === 'ABORTED';
}

export function useRolloutPlans() {
  return useList({ key: ['rollout-plans'], schema: RolloutPlanPage, address: '/v1/rollout-plans' });
}

export function useFreezeWindows() {
  return useList({ key: ['freeze-windows'], schema: FreezeWindowPage, address: '/v1/freeze-windows' });
}

export function useShadows(name: string) {
  return useList({
    key: ['deployments', 'shadows', name],
    schema: ShadowPage,
    address: path`/v1/deployments/${name}/shadows`,
    refetchInterval: 2_000,
  });
}
