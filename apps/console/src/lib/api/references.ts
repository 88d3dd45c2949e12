'use client';

import { ReferencePage } from '@slipway/contracts';
import { path } from './api.client';
import { useList } from './use-list';

const buildingPollMs = 3_000;

export function referencesAddress(model: string, version: number): string {
  return path`/v1/models/${model}/versions/${String(version)}/reference-profiles`;
}

/** The reference profiles of a version, the newest first. */
export function useReferences(model: string, version: number) {
  return useList({
    key: ['models', 'references', model, String(version)],
    schema: ReferencePage,
    address: referencesAddress(model, version),
    refetchInterval: buildingPollMs,
  });
}
