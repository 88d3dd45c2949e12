'use client';

import type { PredictionView } from '@slipway/contracts';
import Link from 'next/link';
import { Empty, QueryView } from '@/components/faces';
import { PageHeader, Panel } from '@/components/panel';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { usePrediction } from '@/lib/api/deployments';
import { formatNumber, formatSeconds, shortDigest } from '@/lib/text/format-number';

/** Which file answered this prediction, what it said, and what turned out to be true. */
export function PredictionPage({ id }: { readonly id: string }) {
  const prediction = usePrediction(id);
  return (
    <>
      <PageHeader
        title={<code className="raw font-mono text-base">{id}</code>}
        above={[{ href: '/', label: 'Overview' }]}
        below="One row per predicted row of the request."
      />
      <section aria-label="Rows" className="card overflow-hidden">
        <QueryView query={prediction}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty icon="search" title="No record of this prediction">
                Records arrive a second or so after the answer. The deployment may also not keep them.
              </Empty>
            ) : (
              <Table caption="Predicted rows" columns={columns} rows={items} rowKey={(row) => String(row.row)} />
            )
          }
        </QueryView>
      </section>
      {(prediction.data?.items ?? []).map((row) => (
        <Inputs key={row.row} row={row} />
      ))}
    </>
  );
}

/** What the record keeps of the inputs, and how. Nothing where the deployment keeps none, or this person may not see them. */
function Inputs({ row }: { readonly row: PredictionView }) {
  if (row.inputs === null || row.inputs.length === 0) return null;
  return (
    <Panel title={`Inputs of row ${row.row}`} note="as the deployment keeps them" className="mt-4 overflow-hidden">
      <Table caption={`Inputs of row ${row.row}`} columns={inputColumns} rows={row.inputs} rowKey={(input) => input.name} />
    </Panel>
  );
}

const howWords = { keep: 'as it was', hash: 'hashed', mask: 'masked', omitted: 'too large' } as const;
const inputColumns: readonly Column<NonNullable<PredictionView['inputs']>[number]>[] = [
  { header: 'Input', isName: true, narrow: 'title', cell: (input) => <Raw max={80}>{input.name}</Raw> },
  { header: 'Value', cell: (input) => (input.value === null ? '–' : <Raw max={200}>{String(input.value)}</Raw>) },
  { header: 'Kept', cell: (input) => howWords[input.how] },
];

const columns: readonly Column<PredictionView>[] = [
  { header: 'Row', isName: true, narrow: 'title', cell: (row) => `Row ${row.row}` },
  { header: 'Predicted', cell: (row) => (row.predicted === null ? '–' : <Raw>{String(row.predicted)}</Raw>) },
  { header: 'Score', align: 'end', cell: (row) => formatNumber(row.score) },
  { header: 'Label', cell: (row) => (row.label === null ? <span className="text-ink-3">none yet</span> : <Raw>{String(row.label)}</Raw>) },
  {
    header: 'Served by',
    cell: (row) => (
      <Link href={`/models/${encodeURIComponent(row.model)}/versions/${row.version}`} className="link">
        <Raw>{`${row.model} v${row.version}`}</Raw>
      </Link>
    ),
  },
  {
    header: 'Deployment',
    cell: (row) => (
      <Link href={`/deployments/${encodeURIComponent(row.deployment)}`} className="link">
        <Raw>{row.deployment}</Raw>
      </Link>
    ),
  },
  { header: 'File', cell: (row) => <code className="font-mono text-xs">{shortDigest(row.digest)}</code> },
  { header: 'Waited', align: 'end', cell: (row) => (row.queueMicros === null ? '–' : formatSeconds(row.queueMicros / 1e6)) },
  { header: 'Compute', align: 'end', cell: (row) => formatSeconds(row.computeMicros / 1e6) },
  { header: 'Slices', narrow: 'wide', cell: (row) => <Raw max={200}>{slicesText(row.slices)}</Raw> },
  { header: 'Stands for', align: 'end', narrow: 'hide', cell: (row) => formatNumber(1 / row.probability) },
  { header: 'When', cell: (row) => <Ago at={row.at} /> },
];

function slicesText(slices: PredictionView['slices']): string {
  const pairs = Object.entries(slices ?? {}).map(([name, value]) => `${name}=${value}`);
  return pairs.length === 0 ? '–' : pairs.join(', ');
}
