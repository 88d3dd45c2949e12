'use client';

import { useId, useState } from 'react';
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { formatRatio } from '@/lib/text/format-number';

/** One bin: its share of the reference and its share now. */
export interface ShareBin {
  readonly label: string;
  readonly reference: number;
  readonly now: number;
}

interface ShareChartProps {
  readonly title: string;
  readonly unit: string;
  readonly bins: readonly ShareBin[];
  readonly height?: number;
}

const axisText = { fontSize: 11, fill: 'var(--ink-3)' };
const sides = [
  { key: 'reference', label: 'reference', color: 'var(--chart-6)' },
  { key: 'now', label: 'now', color: 'var(--chart-1)' },
] as const;

/** How values are spread, then and now, side by side; the same as a table. */
export function ShareChart({ title, unit, bins, height = 220 }: ShareChartProps) {
  const [asTable, setAsTable] = useState(false);
  const id = useId();
  return (
    <figure aria-labelledby={id} className="min-w-0">
      <figcaption className="flex min-h-7 flex-wrap items-center justify-between gap-x-3">
        <span id={id} className="text-[0.8125rem] font-semibold">
          {title} <span className="font-normal text-ink-3">{unit}</span>
        </span>
        <span className="flex items-center gap-3">
          <ul className="flex flex-wrap items-center gap-x-3 text-xs text-ink-2">
            {sides.map((side) => (
              <li key={side.key} className="flex items-center gap-1.5">
                <svg width="10" height="10" aria-hidden="true">
                  <rect width="10" height="10" rx="2" fill={side.color} />
                </svg>
                {side.label}
              </li>
            ))}
          </ul>
          <button
            type="button"
            aria-pressed={asTable}
            onClick={() => setAsTable(!asTable)}
            className="min-h-6 rounded px-1.5 text-xs text-ink-3 hover:bg-hover hover:text-ink max-md:min-h-9"
          >
            {asTable ? 'Chart' : 'Table'}
          </button>
        </span>
      </figcaption>
      <p className="sr-only">{summaryOf(bins)}</p>
      {asTable ? (
        <ShareTable title={title} bins={bins} height={height} />
      ) : (
        <div className="mt-2 -ml-1" style={{ height }}>
          <ResponsiveContainer width="100%" height="100%" initialDimension={{ width: 480, height }}>
            <BarChart data={[...bins]} margin={{ top: 8, right: 6, bottom: 0, left: 0 }} barGap={0} barCategoryGap="18%">
              <CartesianGrid vertical={false} stroke="var(--grid)" />
              <XAxis dataKey="label" tick={axisText} tickLine={false} axisLine={{ stroke: 'var(--line-strong)' }} minTickGap={24} />
              <YAxis width={48} tickFormatter={formatRatio} tick={axisText} tickLine={false} axisLine={false} tickCount={4} />
              <Tooltip isAnimationActive={false} cursor={{ fill: 'var(--hover)' }} content={<ShareTooltip />} />
              {sides.map((side) => (
                <Bar key={side.key} dataKey={side.key} name={side.label} fill={side.color} isAnimationActive={false} radius={[2, 2, 0, 0]} />
              ))}
            </BarChart>
          </ResponsiveContainer>
        </div>
      )}
    </figure>
  );
}

interface ShareTooltipProps {
  readonly active?: boolean;
  readonly label?: string | number;
  readonly payload?: readonly { readonly name?: unknown; readonly value?: unknown }[];
}

/** Recharts fills in all of it. */
function ShareTooltip({ active = false, label, payload = [] }: ShareTooltipProps) {
  if (!active) return null;
  return (
    <div className="rounded-lg border border-line bg-raised px-2.5 py-1.5 text-xs shadow-pop">
      <p className="mb-1 text-ink-3">{label}</p>
      {payload.map((entry) => (
        <p key={String(entry.name)} className="flex justify-between gap-4">
          <span>{String(entry.name)}</span>
          <span className="font-medium">{formatRatio(typeof entry.value === 'number' ? entry.value : null)}</span>
        </p>
      ))}
    </div>
  );
}

function ShareTable({ title, bins, height }: { readonly title: string; readonly bins: readonly ShareBin[]; readonly height: number }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section className="mt-2 overflow-auto rounded border border-line" style={{ height }} tabIndex={0} aria-label={`${title}, table`}>
      <table className="w-full text-xs">
        <thead className="sticky top-0 bg-sunken text-left text-ink-3">
          <tr>
            {['Value', 'Reference', 'Now'].map((header) => (
              <th key={header} scope="col" className="px-2 py-1 font-medium">
                {header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {bins.map((bin) => (
            <tr key={bin.label} className="border-t border-line">
              <td className="px-2 py-1">{bin.label}</td>
              <td className="px-2 py-1">{formatRatio(bin.reference)}</td>
              <td className="px-2 py-1">{formatRatio(bin.now)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The bin that changed most, in a sentence. */
function summaryOf(bins: readonly ShareBin[]): string {
  const most = bins.reduce<ShareBin | undefined>(
    (best, bin) => (best === undefined || Math.abs(bin.now - bin.reference) > Math.abs(best.now - best.reference) ? bin : best),
    undefined,
  );
  if (most === undefined) return 'No bins.';
  return `The largest change is at ${most.label}: ${formatRatio(most.reference)} in the reference, ${formatRatio(most.now)} now.`;
}
