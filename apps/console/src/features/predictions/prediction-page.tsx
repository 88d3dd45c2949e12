'use client';

import type { PredictionView } from '@slipway/contracts';
import Link from 'next/link';
import { Empty, QueryView } from '@/components/faces';
import { PageHeader } from '@/components/panel';
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
    </>
  );
}

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
  { header: 'Compute', align: 'end', cell: (row) => formatSeconds(row.computeMicros / 1e6) },
  { header: 'When', cell: (row) => <Ago at={row.at} /> },
];
