'use client';

import { useSearchParams } from 'next/navigation';
import { type RangePreset, rangeFrom } from './time/time-range';

/** The time range of this page, kept in its address. */
export function useRange(): RangePreset {
  return rangeFrom(useSearchParams().get('range'));
}
