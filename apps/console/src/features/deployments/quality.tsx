'use client';

import type { Judgement, QualityPoint, QualitySeries } from '@slipway/contracts';
import type { ChartMarker, ChartSeries } from '@/components/charts/chart-props';
import { Stat, StatRow } from '@/components/charts/stat';
import { TimeChart } from '@/components/charts/time-chart';
import { CodeBlock } from '@/components/copy';
import { Empty, Loading, QueryView } from '@/components/faces';
import { Panel } from '@/components/panel';
import { type Column, Table } from '@/components/table';
import { useDeployment, useQuality } from '@/lib/api/deployments';
import { type ChartRow, chartRows } from '@/lib/charts/chart-rows';
import { summarise } from '@/lib/charts/summarise';
import { formatCount, formatNumber, formatRatio, formatScore } from '@/lib/text/format-number';
import { useRange } from '@/lib/use-range';
import { ConfusionMatrix } from './confusion-matrix';
import { EstimatedQualityPanel } from './estimated-quality';
import { judgedVersion } from './judged-version';
import { curlLabel } from './label-snippets';
import { LabelNotes, QualityDetails } from './quality-details';
import { exampleLabel } from './sample-label';
import { TabBar } from './tab-bar';
import { useMarkers } from './use-markers';

type Metric = 'accuracy' | 'recall' | 'precision' | 'f1' | 'mae' | 'rmse';

/** What labels say about the answers: metrics with their bands, confusion, per version. */
export function Quality({ name }: { readonly name: string }) {
  const range = useRange();
  const series = useQuality(name, range);
  const markers = useMarkers(name);
  return (
    <>
      <TabBar markers={markers} range={range} note="Filed under the time of the prediction, not of the label." />
      <QueryView query={series} loading={<Loading rows={8} />}>
        {(data) => <Judged data={data} name={name} markers={markers} />}
      </QueryView>
    </>
  );
}

interface JudgedProps {
  readonly data: QualitySeries;
  readonly name: string;
  readonly markers: readonly ChartMarker[];
}

function Judged({ data, name, markers }: JudgedProps) {
  const labelled = data.total.reduce((sum, point) => sum + point.labelled, 0);
  if (data.off !== null || labelled === 0)
    return (
      <>
        <WhyOff data={data} name={name} />
        <EstimatedQualityPanel data={data} />
      </>
    );
  const metrics: readonly Metric[] = data.taskKind === 'regression' ? ['mae', 'rmse'] : ['accuracy', 'recall', 'f1'];
  const predicted = data.total.reduce((sum, point) => sum + point.predicted, 0);
  return (
    <>
      <StatRow>
        <Stat name="Predicted rows" value={formatCount(predicted)} />
        <Stat name="Labelled" value={formatCount(labelled)} note={`${formatRatio(predicted === 0 ? null : labelled / predicted)} of them`} />
        {metrics.map((metric) => (
          <Stat key={metric} name={title(metric, data)} {...latest(data, metric)} />
        ))}
      </StatRow>
      <LabelNotes data={data} />
      <div className="grid gap-4 xl:grid-cols-2">
        {metrics.map((metric) => (
          <MetricChart key={metric} metric={metric} data={data} markers={markers} />
        ))}
        <LabelCoverage data={data} />
      </div>
      <div className="mt-4 grid items-start gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <Panel title="By version" note="over the whole window" className="overflow-hidden">
          <Table
            caption="Quality by version"
            columns={versionColumns(data.taskKind === 'regression' ? ['mae', 'rmse'] : ['accuracy', 'precision', 'recall', 'f1'], data)}
            rows={data.versions}
            rowKey={(row) => String(row.version)}
          />
        </Panel>
        {data.confusion !== null && <ConfusionMatrix confusion={data.confusion} />}
      </div>
      <QualityDetails data={data} />
    </>
  );
}

const names: Readonly<Record<Metric, string>> = {
  accuracy: 'Accuracy',
  recall: 'Recall',
  precision: 'Precision',
  f1: 'F1',
  mae: 'Mean absolute error',
  rmse: 'Root mean squared error',
};

function title(metric: Metric, data: QualitySeries): string {
  const averaged = metric === 'recall' || metric === 'f1' || metric === 'precision';
  return averaged && data.average === 'macro' ? `${names[metric]}, macro` : names[metric];
}

/** Bounded metrics run from 0 to 1 and read best with three digits. */
function formatOf(metric: Metric): (value: number) => string {
  return metric === 'mae' || metric === 'rmse' ? formatNumber : formatScore;
}

function latest(data: QualitySeries, metric: Metric) {
  const version = judgedVersion(data);
  const judgement = version?.[metric] ?? null;
  const which = data.versions.length > 1 && version !== undefined ? `v${version.version}: ` : '';
  return {
    value: judgement?.value == null ? '–' : formatOf(metric)(judgement.value),
    note: judgement === null ? undefined : `${which}${judgementNote(judgement, metric)}`,
  };
}

function judgementNote(judgement: Judgement, metric: Metric): string {
  if (judgement.verdict === 'insufficient') return `too few rows (${formatCount(judgement.n)})`;
  const format = formatOf(metric);
  const band = judgement.interval === null ? '' : `${format(judgement.interval[0])} to ${format(judgement.interval[1])}, `;
  return `${band}n = ${formatCount(judgement.n)}`;
}

function MetricChart({ metric, data, markers }: { readonly metric: Metric; readonly data: QualitySeries; readonly markers: readonly ChartMarker[] }) {
  const format = formatOf(metric);
  const bounded = metric !== 'mae' && metric !== 'rmse';
  const rows = chartRows(data, data.total, (point) => metricValues(point, metric));
  const series: readonly ChartSeries[] = [
    { key: 'band', label: 'band', color: 'var(--chart-1)', kind: 'band' },
    { key: 'value', label: names[metric], color: 'var(--chart-1)' },
  ];
  return (
    <TimeChart
      title={title(metric, data)}
      unit="with its 95 % band"
      rows={rows}
      series={series}
      format={format}
      markers={markers}
      summary={summarise(rows, 'value', names[metric], format)}
      {...(bounded && { yMax: 1, yMin: lowerBound(rows) })}
    />
  );
}

/** A tenth below the lowest band, so that what matters fills the chart; never more than half a chart of nothing. */
function lowerBound(rows: readonly ChartRow[]): number {
  const lowest = Math.min(
    1,
    ...rows.map((row) =>
      Array.isArray(row.values['band']) ? row.values['band'][0] : typeof row.values['value'] === 'number' ? row.values['value'] : 1,
    ),
  );
  return Math.min(0.8, Math.max(0, Math.floor(lowest * 10) / 10));
}

function metricValues(point: QualityPoint, metric: Metric): ChartRow['values'] {
  const judgement = point[metric];
  return { value: judgement?.value ?? null, band: judgement?.interval ?? null };
}

function LabelCoverage({ data }: { readonly data: QualitySeries }) {
  const rows = chartRows(data, data.total, (point) => ({ coverage: point.predicted === 0 ? null : point.labelled / point.predicted }));
  return (
    <TimeChart
      title="Label coverage"
      unit="share of predicted rows with a label"
      rows={rows}
      series={[{ key: 'coverage', label: 'coverage', color: 'var(--chart-6)', kind: 'area' }]}
      format={formatRatio}
      summary={summarise(rows, 'coverage', 'Label coverage', formatRatio)}
      yMax={1}
    />
  );
}

function versionColumns(metrics: readonly Metric[], data: QualitySeries): readonly Column<QualityPoint>[] {
  return [
    { header: 'Version', isName: true, narrow: 'title', cell: (row) => <span className="font-semibold">v{row.version}</span> },
    ...metrics.map(
      (metric): Column<QualityPoint> => ({
        header: title(metric, data),
        align: 'end',
        cell: (row) => {
          const judgement = row[metric];
          if (judgement?.value == null) return <span className="text-ink-3">–</span>;
          return (
            <span className="leading-4">
              {formatOf(metric)(judgement.value)}
              <span className="block text-xs text-ink-3">
                {judgement.interval === null ? '' : `${formatOf(metric)(judgement.interval[0])} to ${formatOf(metric)(judgement.interval[1])}`}
              </span>
            </span>
          );
        },
      }),
    ),
    { header: 'Labelled', align: 'end', cell: (row) => <LabelledCell row={row} /> },
  ];
}

function LabelledCell({ row }: { readonly row: QualityPoint }) {
  return (
    <span className="leading-4">
      {formatCount(row.labelled)}
      <span className="block text-xs text-ink-3">of {formatCount(row.predicted)}</span>
    </span>
  );
}

function WhyOff({ data, name }: { readonly data: QualitySeries; readonly name: string }) {
  const predicted = data.total.reduce((sum, point) => sum + point.predicted, 0);
  const example = exampleLabel(useDeployment(name).data?.task ?? null) ?? 1;
  return (
    <div className="card">
      <Empty icon="list" title={data.off === null ? 'No labels in this window' : 'Quality is off'}>
        {data.off ??
          `${formatCount(predicted)} rows were predicted. Send the truth when you learn it, by the prediction's id, and accuracy, recall and F1 appear here per version:`}
      </Empty>
      {data.off === null && (
        <div className="mx-auto max-w-[48rem] px-4 pb-6">
          <CodeBlock label="curl command that sends a label" text={curlLabel({ origin: window.location.origin, deployment: name }, example)} />
        </div>
      )}
    </div>
  );
}
