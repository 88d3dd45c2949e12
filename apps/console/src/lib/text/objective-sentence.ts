import type { SloView } from '@slipway/contracts';
import { formatNumber, formatRatio, formatSeconds } from './format-number';

type Promised = Pick<SloView, 'kind' | 'target' | 'periodDays' | 'thresholdMs' | 'metric' | 'threshold'>;

/** What an objective promises: `99 % of the requests are answered within 250 ms, over 30 days`. */
export function objectiveSentence({ kind, target, periodDays, thresholdMs, metric, threshold }: Promised): string {
  const share = formatRatio(target);
  const over = `over ${periodDays} days`;
  if (kind === 'latency') return `${share} of the requests are answered within ${formatSeconds((thresholdMs ?? 0) / 1_000)}, ${over}`;
  if (kind === 'availability') return `${share} of the requests are answered, ${over}`;
  const isError = metric === 'mae' || metric === 'rmse';
  return `${metric} is ${isError ? 'at most' : 'at least'} ${formatNumber(threshold)} in ${share} of the hours with labels, ${over}`;
}
