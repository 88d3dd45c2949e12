'use client';

import type { AnomalySeries } from '@slipway/contracts';
import type { ChartSeries } from '@/components/charts/chart-props';
import { TimeChart } from '@/components/charts/time-chart';
import { QueryView } from '@/components/faces';
import { useAnomalies } from '@/lib/api/watch';
import { type ChartRow, chartRows } from '@/lib/charts/chart-rows';
import { summarise } from '@/lib/charts/summarise';
import { formatBytes, formatNumber, formatRatio, formatSeconds } from '@/lib/text/format-number';
import { useRange } from '@/lib/use-range';

type Watched = AnomalySeries['series'][number];

const titles: Readonly<Record<Watched['name'], string>> = {
  traffic: 'Traffic',
  error_ratio: 'Error share',
  latency_p50: 'Latency p50',
  latency_p95: 'Latency p95',
  cpu: 'CPU',
  memory: 'Memory',
  prediction_mean: 'Mean prediction',
  labels: 'Labels',
};
const formats: Readonly<Partial<Record<Watched['name'], (value: number) => string>>> = {
  error_ratio: formatRatio,
  latency_p50: formatSeconds,
  latency_p95: formatSeconds,
  memory: formatBytes,
};
const lines: readonly ChartSeries[] = [
  { key: 'band', label: 'expected', color: 'var(--chart-6)', kind: 'band' },
  { key: 'value', label: 'measured', color: 'var(--chart-1)' },
  { key: 'unusual', label: 'unusual', color: 'var(--bad)' },
];

/** What each time series did, over what was to be expected of it; what was unusual is marked. */
export function Anomalies({ name }: { readonly name: string }) {
  const range = useRange();
  const query = useAnomalies(name, range);
  return (
    <QueryView query={query} loading={null}>
      {(data) => {
        const seen = data.series.filter((series) => series.points.some((point) => point.value !== null));
        return seen.length === 0 ? null : (
          <section aria-label="Time series" className="mt-4 grid gap-4 xl:grid-cols-2">
            {seen.map((series) => (
              <Chart key={series.name} data={data} series={series} />
            ))}
          </section>
        );
      }}
    </QueryView>
  );
}

function Chart({ data, series }: { readonly data: AnomalySeries; readonly series: Watched }) {
  const format = formats[series.name] ?? formatNumber;
  const rows = chartRows(data, series.points, (point): ChartRow['values'] => ({
    value: point.value,
    band: point.lower === null || point.upper === null ? null : [point.lower, point.upper],
    unusual: point.isAnomaly ? point.value : null,
  }));
  const unusual = series.points.filter((point) => point.isAnomaly).length;
  return (
    <TimeChart
      title={titles[series.name]}
      unit={unusual === 0 ? 'with what was expected' : `${unusual} times unusual`}
      rows={rows}
      series={lines}
      format={format}
      summary={`${summarise(rows, 'value', titles[series.name], format)} ${unusual === 0 ? 'Nothing unusual.' : `${unusual} times unusual.`}`}
    />
  );
}
