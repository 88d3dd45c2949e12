import type { Judgement, Task } from '@slipway/contracts';
import { normalShare } from '../estimates/normal-law.js';
import { normalInterval } from './intervals.js';
import { minErrors } from './judge-quality-window.js';
import { type Moments, varianceOf } from './moments.js';
import type { UsualError } from './quality-baseline.js';
import { studentQuantile } from './tail-quantiles.js';

/** Fewer errors have no mean that says anything. */
export const minErrorRows = 100;

/**
 * Judges the mean error of a window by what it usually is, in both directions: an alarm from three sampling errors on, window and usual value together, or
 * further out where many windows are judged (`monitoring.md` 8.1).
 */
export function judgeErrors(
  moments: Moments,
  { usual, task, level = 2 * normalShare(-minErrors) }: { readonly usual: UsualError; readonly task: Task; readonly level?: number },
): Judgement {
  const { n, mean } = moments;
  const what = task.kind === 'regression' ? 'mean error (predicted − true)' : 'mean chance that the model gave to wrong classes';
  if (n < minErrorRows) {
    const reason = `Only ${n} labelled rows; at least ${minErrorRows} are needed for a mean error.`;
    return { value: n === 0 ? null : mean, interval: null, n, threshold: null, verdict: 'insufficient', reason };
  }
  const own = Math.sqrt(varianceOf(moments) / n);
  const apart = Math.max(minErrors, studentQuantile(level / 2, n - 1)) * Math.sqrt(own ** 2 + usual.sd ** 2 / usual.rows);
  const isOutside = Math.abs(mean - usual.mean) > apart;
  const threshold = mean < usual.mean ? usual.mean - apart : usual.mean + apart;
  const [low, high] = normalInterval(mean, own);
  const compared = `The ${what} is ${number(mean)} on ${n} labelled rows, it was ${number(usual.mean)} on ${usual.rows}; limit ${number(threshold)}`;
  return {
    value: mean,
    interval: [low, high],
    n,
    threshold,
    verdict: isOutside ? 'alarm' : 'ok',
    reason: `${isOutside ? 'Errors have changed. ' : ''}${compared}.`,
  };
}

function number(value: number): string {
  return String(Number(value.toPrecision(3)));
}
