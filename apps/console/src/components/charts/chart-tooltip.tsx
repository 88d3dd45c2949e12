import { formatFull } from '@/lib/time/format-time';
import type { ChartSeries } from './chart-props';

interface ChartTooltipProps {
  readonly series: readonly ChartSeries[];
  readonly format: (value: number) => string;
  readonly active?: boolean;
  readonly label?: string | number;
  readonly payload?: readonly { readonly dataKey?: unknown; readonly value?: unknown }[];
}

/** What the crosshair points at; recharts fills in all but `series` and `format`. */
export function ChartTooltip({ series, format, active = false, label, payload = [] }: ChartTooltipProps) {
  if (!active || label === undefined) return null;
  const rows = series.flatMap((each) => {
    const value = payload.find((entry) => entry.dataKey === each.key)?.value;
    return typeof value === 'number' ? [{ each, value }] : [];
  });
  if (rows.length === 0) return null;
  return (
    <div className="rounded-lg border border-line bg-raised px-2.5 py-1.5 text-xs shadow-pop">
      <p className="mb-1 text-ink-3">{formatFull(Number(label)).split(' · ')[0]}</p>
      {rows.map(({ each, value }) => (
        <p key={each.key} className="flex items-center justify-between gap-4">
          <span className="flex items-center gap-1.5">
            <svg width="12" height="8" aria-hidden="true">
              <line x1="0" x2="12" y1="4" y2="4" stroke={each.color} strokeWidth="2.25" strokeDasharray={each.dash} />
            </svg>
            {each.label}
          </span>
          <span className="font-medium">{format(value)}</span>
        </p>
      ))}
    </div>
  );
}
