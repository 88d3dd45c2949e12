import type { NoiseReference } from '@slipway/contracts';
import type { AnswerSpread } from './answer-spread.js';
import { binsOf } from './noise-bins.js';

/** What measurements come to, as a reference keeps it. */
export function noiseReferenceOf(measured: readonly Pick<AnswerSpread, 'relative' | 'labels' | 'flips'>[]): NoiseReference[string] {
  const sizes = measured.map(({ relative }) => relative).sort((a, b) => a - b);
  const at = (quantile: number) => sizes[Math.max(0, Math.ceil(quantile * sizes.length) - 1)] ?? 0;
  const labels = measured.reduce((sum, one) => sum + one.labels, 0);
  const flips = measured.reduce((sum, one) => sum + one.flips, 0);
  return { n: sizes.length, p50: at(0.5), p95: at(0.95), flipRatio: labels === 0 ? null : flips / labels, bins: binsOf(sizes) };
}
