import type { ServingPoint } from '@slipway/contracts';
import { Panel } from '@/components/panel';
import { formatCount, formatRatio } from '@/lib/text/format-number';

const words: Readonly<Record<string, string>> = {
  success: 'answered',
  invalid_input: 'the caller sent something the model does not take',
  rejected_queue_full: 'refused, the queue was full',
  rejected_quota: 'refused, over a quota',
  deadline_exceeded: 'not done within the deadline',
  cancelled: 'the caller went away',
  runtime_error: 'the model failed on the input',
  nan_output: 'the answer held NaN',
  out_of_range_output: 'the answer was out of range',
  instance_crashed: 'the instance died during the run',
  unavailable: 'no instance was up',
  dependency_error: 'something needed was away',
};

/** How the requests of the window ended, most frequent first. */
export function Outcomes({ points }: { readonly points: readonly ServingPoint[] }) {
  const counts = new Map<string, number>();
  for (const point of points) for (const [outcome, count] of Object.entries(point.outcomes)) counts.set(outcome, (counts.get(outcome) ?? 0) + count);
  const rows = [...counts].filter(([, count]) => count > 0).toSorted((a, b) => b[1] - a[1]);
  const all = rows.reduce((sum, [, count]) => sum + count, 0);
  if (all === 0) return null;
  return (
    <Panel title="Outcomes" note="how requests ended" className="mt-4">
      <ul className="divide-y divide-line">
        {rows.map(([outcome, count]) => (
          <li
            key={outcome}
            className="grid grid-cols-[minmax(8rem,11rem)_1fr_auto] items-center gap-4 px-4 py-2 text-[0.8125rem] max-sm:grid-cols-[1fr_auto]"
          >
            <span className="min-w-0">
              <code className="font-mono text-xs">{outcome}</code>
              <span className="block text-xs text-ink-3">{words[outcome] ?? ''}</span>
            </span>
            <span className="h-1.5 overflow-hidden rounded-full bg-sunken max-sm:order-last max-sm:col-span-2" aria-hidden="true">
              <span
                className="block h-full rounded-full"
                style={{ width: `${Math.max(0.5, (count / all) * 100)}%`, background: outcome === 'success' ? 'var(--chart-3)' : 'var(--chart-2)' }}
              />
            </span>
            <span className="min-w-24 text-right">
              {formatCount(count)} <span className="text-ink-3">{formatRatio(count / all)}</span>
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
