import type { QualitySeries, QualitySlice, WorstSample } from '@slipway/contracts';
import Link from 'next/link';
import { TimeChart } from '@/components/charts/time-chart';
import { Folded } from '@/components/folded';
import { JudgementTable } from '@/components/judgement-table';
import { Panel } from '@/components/panel';
import { Badge } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { Verdict } from '@/components/verdict';
import { chartRows } from '@/lib/charts/chart-rows';
import { summarise } from '@/lib/charts/summarise';
import { formatCount, formatNumber, formatRatio } from '@/lib/text/format-number';
import { formatSpan } from '@/lib/time/format-time';
import { EstimatedQualityPanel } from './estimated-quality';

/** What one must know of the labels before believing the figures: whether they are all there, and whether they are like the others. */
export function LabelNotes({ data }: { readonly data: QualitySeries }) {
  const provisional = data.total.filter((point) => point.maturity.state === 'provisional').length;
  const { bias, arrivals } = data;
  const isBiased = bias?.judgement.verdict === 'alarm';
  if (provisional === 0 && !isBiased) return null;
  return (
    <div className="mb-4 flex flex-col gap-2">
      {provisional > 0 && (
        <p className="flex flex-wrap items-center gap-2 text-[0.8125rem] text-ink-2">
          <Badge tone="info" icon="clock">
            Provisional
          </Badge>
          {formatCount(provisional)} {provisional === 1 ? 'step has' : 'steps have'} fewer labels than is usual at that age
          {arrivals.matureAfterSeconds === null ? '' : `; they are mature after ${formatSpan(arrivals.matureAfterSeconds * 1_000)}`}.
        </p>
      )}
      {isBiased && (
        <p className="flex flex-wrap items-center gap-2 text-[0.8125rem] text-ink-2">
          <Badge tone="warn" icon="alert">
            Not like the others
          </Badge>
          <Raw max={400}>{bias.judgement.reason}</Raw>
          {bias.adjusted !== null &&
            ` Weighted to be like all rows, ${bias.adjusted.metric} is ${formatNumber(bias.adjusted.weighted)} in place of ${formatNumber(bias.adjusted.value)}.`}
        </p>
      )}
    </div>
  );
}

/** What is behind the figures: how wrong, where, which rows, and what was judged. */
export function QualityDetails({ data }: { readonly data: QualitySeries }) {
  const errors = chartRows(data, data.errors, (point) => ({ mean: point.mean, band: point.interval }));
  return (
    <div className="mt-4 flex flex-col gap-4">
      <EstimatedQualityPanel data={data} />
      {data.errors.some((point) => point.n > 0) && (
        <TimeChart
          title="Prediction error"
          unit={data.taskKind === 'regression' ? 'predicted − true, mean with its 95 % band' : 'distance from the truth, mean with its 95 % band'}
          rows={errors}
          series={[
            { key: 'band', label: 'band', color: 'var(--chart-2)', kind: 'band' },
            { key: 'mean', label: 'mean error', color: 'var(--chart-2)' },
          ]}
          format={formatNumber}
          summary={summarise(errors, 'mean', 'Mean error', formatNumber)}
          yMin={Math.min(0, ...data.errors.map((point) => point.interval?.[0] ?? 0))}
        />
      )}
      {data.judgements.length > 0 && (
        <Panel title="Judgements" className="overflow-hidden">
          <JudgementTable caption="Quality, judged" judgements={data.judgements} what="Metric" />
        </Panel>
      )}
      {data.slices.length > 0 && (
        <Panel title="By slice" note="those that add most to the error first" className="overflow-hidden">
          <Table caption="Quality by slice" columns={sliceColumns} rows={data.slices} rowKey={(row) => row.slice} />
        </Panel>
      )}
      {data.worst.length > 0 && (
        <Panel title="Furthest off" note="labelled predictions worth a look" className="overflow-hidden">
          <Folded rows={data.worst} first={8}>
            {(rows) => <Table caption="Furthest off" columns={worstColumns} rows={rows} rowKey={(row) => row.predictionId} />}
          </Folded>
        </Panel>
      )}
    </div>
  );
}

const sliceColumns: readonly Column<QualitySlice>[] = [
  {
    header: 'Slice',
    isName: true,
    narrow: 'title',
    cell: (row) => (
      <span className="flex w-full flex-wrap items-center justify-between gap-2">
        <Raw max={80}>{row.slice}</Raw>
        <Verdict value={row.judgement.verdict} />
      </span>
    ),
  },
  {
    header: 'Value',
    align: 'end',
    cell: (row) => (
      <span className="leading-4">
        {formatNumber(row.judgement.value)}
        <span className="block text-xs text-ink-3">{row.metric}</span>
      </span>
    ),
  },
  { header: 'Of the error', align: 'end', cell: (row) => formatRatio(row.contribution) },
  { header: 'Labelled', align: 'end', cell: (row) => `${formatCount(row.labelled)} of ${formatCount(row.predicted)}` },
];

const worstColumns: readonly Column<WorstSample>[] = [
  {
    header: 'Prediction',
    isName: true,
    narrow: 'title',
    cell: (row) => (
      <span className="flex w-full flex-wrap items-center justify-between gap-2">
        <Link href={`/predictions/${encodeURIComponent(row.predictionId.split('#', 1)[0] ?? '')}`} className="link font-mono text-xs">
          {row.predictionId}
        </Link>
        {row.outstanding && <Badge tone="warn">far off</Badge>}
      </span>
    ),
  },
  { header: 'Predicted', align: 'end', cell: (row) => shown(row.predicted) },
  { header: 'Truth', align: 'end', cell: (row) => shown(row.label) },
  { header: 'Error', align: 'end', cell: (row) => formatNumber(row.error) },
  { header: 'Version', align: 'end', cell: (row) => `v${row.version}` },
  { header: 'When', align: 'end', cell: (row) => <Ago at={row.at} /> },
];

function shown(value: string | number | null) {
  if (value === null) return '–';
  return typeof value === 'number' ? formatNumber(value) : <Raw max={40}>{value}</Raw>;
}
