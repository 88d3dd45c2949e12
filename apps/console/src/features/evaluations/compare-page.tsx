'use client';

import type { VersionComparison } from '@slipway/contracts';
import { useSearchParams } from 'next/navigation';
import { Empty, QueryView } from '@/components/faces';
import { PageHeader, Panel } from '@/components/panel';
import { Badge } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Raw } from '@/components/text';
import { useComparison } from '@/lib/api/evaluations';
import { formatBytes, formatCount, formatNumber, formatRatio, formatScore, formatSeconds } from '@/lib/text/format-number';
import { MeasureText } from './measure-text';
import { metricWords } from './metric-words';

/** Versions side by side on the same labelled rows; the first is what the others are compared with. */
export function ComparePage({ model }: { readonly model: string }) {
  const params = useSearchParams();
  const versions = (params.get('versions') ?? '')
    .split(',')
    .map(Number)
    .filter((version) => Number.isInteger(version) && version > 0);
  const dataset = params.get('dataset') ?? '';
  const comparison = useComparison(model, versions, dataset);
  return (
    <>
      <PageHeader
        title={`${versions.map((version) => `v${version}`).join(' and ')} on ${dataset}`}
        above={[
          { href: '/models', label: 'Models' },
          { href: `/models/${encodeURIComponent(model)}`, label: model },
          { href: `/models/${encodeURIComponent(model)}/evaluations`, label: 'Evaluations' },
        ]}
        below="On the same rows. A difference is marked where it would seldom be there by chance."
      />
      {versions.length < 2 || dataset === '' ? (
        <Empty icon="table" title="Nothing to compare">
          Choose two to four versions that were evaluated on one labelled set.
        </Empty>
      ) : (
        <QueryView query={comparison}>{(value) => <Loaded comparison={value} />}</QueryView>
      )}
    </>
  );
}

function Loaded({ comparison }: { readonly comparison: VersionComparison }) {
  const names = [...new Set(comparison.versions.flatMap((each) => Object.keys(each.metrics)))];
  return (
    <div className="flex flex-col gap-4">
      <Panel title="Metrics" className="overflow-hidden">
        <Table caption="Metrics" columns={metricColumns(comparison)} rows={names} rowKey={(name) => name} />
      </Panel>
      <Panel title="Disagreement" note={`over ${formatCount(comparison.disagreement.n)} rows that all were asked`} className="overflow-hidden">
        <Table caption="Disagreement" columns={disagreementColumns(comparison)} rows={comparison.versions.map((_, index) => index)} rowKey={String} />
      </Panel>
      {comparison.disagreement.rows.length > 0 && (
        <Panel title="Where they differ most" className="overflow-hidden">
          <Table caption="Rows" columns={rowColumns(comparison)} rows={comparison.disagreement.rows} rowKey={(row) => String(row.row)} />
        </Panel>
      )}
      <Panel title="What they cost" className="overflow-hidden">
        <Table caption="Cost" columns={costColumns} rows={comparison.versions} rowKey={(row) => String(row.version)} />
      </Panel>
    </div>
  );
}

function metricColumns({ versions, differences }: VersionComparison): readonly Column<string>[] {
  return [
    { header: 'Metric', isName: true, narrow: 'title', cell: (name) => metricWords(name) },
    ...versions.map(({ version, metrics }) => ({
      header: `v${version}`,
      align: 'end' as const,
      cell: (name: string) => {
        const difference = differences.find((each) => each.version === version && each.metric === name);
        return (
          <span>
            <MeasureText measure={metrics[name]} />
            {difference !== undefined && (
              <span className="mt-0.5 block text-xs" title={`${difference.test}, p = ${formatNumber(difference.p)}`}>
                {difference.difference > 0 ? '+' : ''}
                {formatScore(difference.difference)}{' '}
                {difference.significant && difference.better !== null ? (
                  <Badge tone={difference.better === 'this' ? 'ok' : 'bad'}>{difference.better === 'this' ? 'better' : 'worse'}</Badge>
                ) : (
                  <span className="text-ink-3">not shown</span>
                )}
              </span>
            )}
          </span>
        );
      },
    })),
  ];
}

function disagreementColumns({ versions, disagreement }: VersionComparison): readonly Column<number>[] {
  return [
    { header: 'Against', isName: true, narrow: 'title', cell: (row) => `v${versions[row]?.version}` },
    ...versions.map(({ version }, column) => ({
      header: `v${version}`,
      align: 'end' as const,
      cell: (row: number) => {
        const value = disagreement.matrix[row]?.[column] ?? null;
        return row === column || value === null ? '–' : disagreement.unit === 'flip-share' ? formatRatio(value) : formatNumber(value);
      },
    })),
  ];
}

function rowColumns({ versions }: VersionComparison): readonly Column<VersionComparison['disagreement']['rows'][number]>[] {
  return [
    { header: 'Row', isName: true, narrow: 'title', cell: (row) => (row.id === null ? formatCount(row.row) : <Raw max={60}>{String(row.id)}</Raw>) },
    { header: 'Truth', cell: (row) => <Raw max={40}>{String(row.truth)}</Raw> },
    ...versions.map(({ version }, index) => ({
      header: `v${version}`,
      cell: (row: VersionComparison['disagreement']['rows'][number]) => <Raw max={40}>{String(row.predictions[index] ?? 'none')}</Raw>,
    })),
  ];
}

const costColumns: readonly Column<VersionComparison['versions'][number]>[] = [
  { header: 'Version', isName: true, narrow: 'title', cell: (row) => `v${row.version}` },
  { header: 'One run', align: 'end', cell: (row) => (row.runMs === null ? '–' : formatSeconds(row.runMs / 1_000)) },
  { header: 'Load time', align: 'end', cell: (row) => (row.loadMs === null ? '–' : formatSeconds(row.loadMs / 1_000)) },
  { header: 'Memory', align: 'end', cell: (row) => formatBytes(row.rssBytes) },
  { header: 'File', align: 'end', cell: (row) => formatBytes(row.sizeBytes) },
];
