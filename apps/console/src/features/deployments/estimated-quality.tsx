import type { EstimatedQuality, EstimatedQualityPoint, QualitySeries } from '@slipway/contracts';
import type { ChartSeries } from '@/components/charts/chart-props';
import { TimeChart } from '@/components/charts/time-chart';
import { Panel } from '@/components/panel';
import { Badge, type Tone } from '@/components/status';
import { type ChartRow, chartRows } from '@/lib/charts/chart-rows';
import { summarise } from '@/lib/charts/summarise';
import { formatCount, formatNumber, formatRatio } from '@/lib/text/format-number';

const tones: Readonly<Record<EstimatedQualityPoint['grade']['grade'], Tone>> = { A: 'ok', B: 'warn', C: 'bad' };
const lines: readonly ChartSeries[] = [
  { key: 'band', label: 'band', color: 'var(--chart-5)', kind: 'band' },
  { key: 'estimate', label: 'estimated', color: 'var(--chart-5)', dash: '5 3' },
  { key: 'realised', label: 'from labels', color: 'var(--chart-1)' },
];

/** Quality as estimated without labels, and as it turned out once they came. */
export function EstimatedQualityPanel({ data }: { readonly data: QualitySeries }) {
  const { estimated } = data;
  if (estimated === null) return null;
  if (estimated.off !== null) {
    return <p className="text-[0.8125rem] text-ink-3">Without labels, quality is not estimated: {estimated.off}</p>;
  }
  const metrics = [...new Set(estimated.points.map((point) => point.metric))];
  if (metrics.length === 0) return null;
  const grade = estimated.points.at(-1)?.grade;
  return (
    <Panel
      title="Estimated without labels"
      note={grade?.reasons.join(' ')}
      actions={grade === undefined ? undefined : <Badge tone={tones[grade.grade]}>Trust {grade.grade}</Badge>}
    >
      <div className="grid gap-4 p-4 xl:grid-cols-2">
        {metrics.map((metric) => (
          <EstimateChart key={metric} data={data} estimated={estimated} metric={metric} />
        ))}
      </div>
      {estimated.trackRecord.length > 0 && (
        <p className="px-4 pb-4 text-xs text-ink-3">
          So far:{' '}
          {estimated.trackRecord
            .map(
              (record) =>
                `${record.metric} off by ${formatNumber(record.meanAbsoluteError)} on average over ${formatCount(record.windows)} windows, ${formatRatio(record.withinBandShare)} within the band`,
            )
            .join('; ')}
          .
        </p>
      )}
    </Panel>
  );
}

interface EstimateChartProps {
  readonly data: QualitySeries;
  readonly estimated: EstimatedQuality;
  readonly metric: string;
}

function EstimateChart({ data, estimated, metric }: EstimateChartProps) {
  const points = estimated.points.filter((point) => point.metric === metric).map((point) => ({ ...point, at: point.from }));
  const rows = chartRows(data, points, (point): ChartRow['values'] => ({ estimate: point.estimate, band: point.band, realised: point.realised }));
  return (
    <TimeChart
      title={metric}
      unit="estimated, with what labels said later"
      rows={rows}
      series={lines}
      format={formatNumber}
      summary={summarise(rows, 'estimate', `Estimated ${metric}`, formatNumber)}
    />
  );
}
