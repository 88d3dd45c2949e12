'use client';

import type { BatchPredictionView } from '@slipway/contracts';
import Link from 'next/link';
import { useState } from 'react';
import { Button } from '@/components/button';
import { Empty, ListView } from '@/components/faces';
import { PageHeader } from '@/components/panel';
import { Status } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Actor, Ago, Raw } from '@/components/text';
import { useBatchPredictions } from '@/lib/api/batch-predictions';
import { formatCount } from '@/lib/text/format-number';
import { CreateBatchDialog } from './create-batch-dialog';
import { RowsDone } from './rows-done';

/** Predictions over files: what waits, runs and is done. */
export function BatchPredictions() {
  const jobs = useBatchPredictions();
  const [creating, setCreating] = useState(false);
  const add = (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      New batch prediction
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Batch predictions"
        below="A deployment over a whole file, behind the live requests: one line of the result for each row, in order."
        actions={add}
      />
      <section aria-label="Batch predictions" className="card overflow-hidden">
        <ListView
          list={jobs}
          empty={
            <Empty icon="table" title="No batch predictions yet" action={add}>
              Upload a CSV, NDJSON, Parquet or Arrow file. Its rows go through the deployment&rsquo;s own queue at the lowest priority, so nobody who
              waits for an answer notices.
            </Empty>
          }
        >
          {(items) => <Table caption="Batch predictions" columns={columns} rows={items} rowKey={(row) => row.id} />}
        </ListView>
      </section>
      {creating && <CreateBatchDialog onClose={() => setCreating(false)} />}
    </>
  );
}

const columns: readonly Column<BatchPredictionView>[] = [
  {
    header: 'File',
    isName: true,
    narrow: 'title',
    cell: (row) => (
      <div className="min-w-0">
        <Link href={`/batch-predictions/${encodeURIComponent(row.id)}`} className="font-semibold hover:underline">
          <Raw max={48}>{row.input.fileName ?? `${row.input.format} file`}</Raw>
        </Link>
        <p className="text-xs font-normal text-ink-3">
          for <Raw max={40}>{row.deployment}</Raw>
          {row.version !== null && ` v${row.version}`}
        </p>
      </div>
    ),
  },
  { header: 'Status', cell: (row) => <Status value={row.status} title={row.reason ?? row.waitingFor ?? undefined} /> },
  { header: 'Rows', className: 'md:w-56', cell: (row) => <RowsDone job={row} /> },
  {
    header: 'Failed rows',
    align: 'end',
    cell: (row) => (row.rows.failed === 0 ? <span className="text-ink-3">0</span> : <span className="text-bad">{formatCount(row.rows.failed)}</span>),
  },
  { header: 'Created', cell: (row) => <Ago at={row.createdAt} /> },
  { header: 'By', narrow: 'hide', cell: (row) => <Actor name={row.createdBy} /> },
];
