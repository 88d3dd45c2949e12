import type { Measure } from '@slipway/contracts';
import { formatScore } from '@/lib/text/format-number';

/** A metric with its interval; without a value the reason why. */
export function MeasureText({ measure }: { readonly measure: Measure | undefined }) {
  if (measure === undefined) return <span className="text-ink-3">–</span>;
  if (measure.value === null) return <span className="text-xs text-ink-3">{measure.reason ?? 'undefined'}</span>;
  return (
    <span className="leading-4" title={measure.reason ?? undefined}>
      <span className={measure.status === 'insufficient' ? 'text-ink-3' : ''}>{formatScore(measure.value)}</span>
      {measure.interval !== null && (
        <span className="block text-xs whitespace-nowrap text-ink-3">
          {formatScore(measure.interval[0])} to {formatScore(measure.interval[1])}
        </span>
      )}
      {measure.status === 'insufficient' && <span className="block text-xs text-ink-3">few rows</span>}
    </span>
  );
}
