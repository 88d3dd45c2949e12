'use client';

import type { DriftColumn, DriftSeries } from '@slipway/contracts';
import type { ChartSeries } from '@/components/charts/chart-props';
import { ShareChart } from '@/components/charts/share-chart';
import { TimeChart } from '@/components/charts/time-chart';
import { Loading } from '@/components/faces';
import { useDrift } from '@/lib/api/watch';
import { type ChartRow, chartRows } from '@/lib/charts/chart-rows';
import { summarise } from '@/lib/charts/summarise';
import { formatNumber } from '@/lib/text/format-number';
import { useRange } from '@/lib/use-range';

const lines: readonly ChartSeries[] = [
  { key: 'band', label: 'band', color: 'var(--chart-1)', kind: 'band' },
  { key: 'effect', label: 'drift', color: 'var(--chart-1)' },
  { key: 'limit', label: 'limit', color: 'var(--chart-2)', dash: '4 3' },
];

interface DriftDetailProps {
  readonly name: string;
  readonly data: DriftSeries;
  readonly column: DriftColumn;
}

/** One column: how its values are spread against the reference, and how far it was off over time. */
export function DriftDetail({ name, data, column }: DriftDetailProps) {
  const detail = useDrift(name, useRange(), column.column).data?.detail;
  const limit = column.span.threshold;
  const rows = chartRows(data, column.points, (point): ChartRow['values'] => ({ effect: point.effect, band: point.interval, limit }));
  return (
    <div className="grid gap-4 xl:grid-cols-2">
      <div className="card px-4 pt-3 pb-2">
        {detail == null || detail.column !== column.column ? (
          <Loading rows={4} label={`Loading the values of ${column.column}`} />
        ) : (
          <ShareChart
            title={column.column}
            unit="share of the rows"
            bins={detail.bins.map((bin) => ({ label: bin.label, reference: bin.referenceShare, now: bin.nowShare }))}
          />
        )}
      </div>
      <TimeChart
        title={`Drift of ${column.column}`}
        unit="PSI without its noise"
        rows={rows}
        series={limit === null ? lines.slice(0, 2) : lines}
        format={formatNumber}
        summary={summarise(rows, 'effect', `Drift of ${column.column}`, formatNumber)}
        height={220}
      />
    </div>
  );
}
