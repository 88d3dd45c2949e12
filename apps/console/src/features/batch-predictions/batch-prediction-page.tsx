'use client';

import type { BatchPredictionView, RowErrorView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { Button } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { Empty, ListView, QueryView } from '@/components/faces';
import { Icon } from '@/components/icon';
import { Facts, PageHeader, Panel } from '@/components/panel';
import { Status } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Actor, Ago, Raw } from '@/components/text';
import { cancelBatchPrediction, deleteBatchPrediction, resultAddress, useBatchPrediction, useRowErrors } from '@/lib/api/batch-predictions';
import { formatBytes, formatCount, plural } from '@/lib/text/format-number';
import { formatFull } from '@/lib/time/format-time';
import { RowsDone } from './rows-done';

/** One batch prediction: how far it is, its result, and the rows that have none. */
export function BatchPredictionPage({ id }: { readonly id: string }) {
  const job = useBatchPrediction(id);
  return <QueryView query={job}>{(value) => <Loaded job={value} />}</QueryView>;
}

function Loaded({ job }: { readonly job: BatchPredictionView }) {
  return (
    <>
      <PageHeader
        title={<Raw>{job.input.fileName ?? `${job.input.format} file`}</Raw>}
        above={[{ href: '/batch-predictions', label: 'Batch predictions' }]}
        beside={<Status value={job.status} />}
        below={
          <>
            for{' '}
            <Link href={`/deployments/${encodeURIComponent(job.deployment)}`} className="font-medium hover:underline">
              <Raw max={60}>{job.deployment}</Raw>
            </Link>
            {job.version === null ? ', whichever version serves' : `, version ${job.version}`}
          </>
        }
        actions={<Actions job={job} />}
      />
      {job.reason !== null && <Sentence tone="bg-bad-soft text-bad" text={job.reason} />}
      {job.waitingFor !== null && <Sentence tone="bg-warn-soft text-warn" text={`Waits: ${job.waitingFor}`} />}
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Panel title="Progress">
          <Facts
            items={[
              ['Rows done', <RowsDone key="rows" job={job} />],
              ['Failed rows', formatCount(job.rows.failed)],
              [
                'Answered by',
                job.versions.length === 0 ? '–' : job.versions.map(({ version, rows }) => `v${version}: ${plural(rows, 'row')}`).join(', '),
              ],
              ['Started', <Moment key="started" at={job.startedAt} />],
              ['Ended', <Moment key="ended" at={job.finishedAt} />],
              ['Taken up', job.attempts === 0 ? 'not yet' : plural(job.attempts, 'time')],
            ]}
          />
        </Panel>
        <Panel title="Input">
          <Facts
            items={[
              ['Format', job.input.format],
              ['Size', formatBytes(job.input.sizeBytes)],
              [
                'Columns',
                job.options.columns === undefined ? (
                  'by name, or as they stand'
                ) : (
                  <Raw key="columns" max={200}>
                    {job.options.columns.join(', ')}
                  </Raw>
                ),
              ],
              [
                'Kept',
                job.options.idColumns.length === 0 ? (
                  'none'
                ) : (
                  <Raw key="kept" max={200}>
                    {job.options.idColumns.join(', ')}
                  </Raw>
                ),
              ],
              [
                'Created',
                <span key="created">
                  <Ago at={job.createdAt} /> by <Actor name={job.createdBy} />
                </span>,
              ],
              ['Removed', job.expiresAt === null ? 'some time after its end' : formatFull(job.expiresAt)],
            ]}
          />
        </Panel>
        <RowErrors job={job} />
      </div>
    </>
  );
}

function Sentence({ tone, text }: { readonly tone: string; readonly text: string }) {
  return (
    <p role="status" className={`mb-4 flex items-start gap-2 rounded-lg px-4 py-3 text-[0.8125rem] ${tone}`}>
      <Icon name="alert" className="mt-0.5" />
      <Raw max={800}>{text}</Raw>
    </p>
  );
}

function Moment({ at }: { readonly at: string | null }) {
  return at === null ? '–' : <Ago at={at} />;
}

function Actions({ job }: { readonly job: BatchPredictionView }) {
  const client = useQueryClient();
  const router = useRouter();
  const [asking, setAsking] = useState<'cancel' | 'delete'>();
  const refresh = () => client.invalidateQueries({ queryKey: ['batch-predictions'] });
  const close = () => setAsking(undefined);
  return (
    <>
      {job.result !== null && (
        <a
          href={resultAddress(job.id)}
          download
          className="inline-flex min-h-8 items-center justify-center gap-1.5 rounded-lg border border-transparent bg-solid px-3 py-1 text-[0.8125rem] font-medium whitespace-nowrap text-solid-ink hover:bg-solid-hover max-md:min-h-10"
        >
          <Icon name="download" /> Download result, {formatBytes(job.result.sizeBytes)}
        </a>
      )}
      {job.finishedAt === null ? (
        <Button icon="x" onClick={() => setAsking('cancel')}>
          Cancel
        </Button>
      ) : (
        <Button icon="trash" onClick={() => setAsking('delete')}>
          Delete
        </Button>
      )}
      {asking === 'cancel' && (
        <ConfirmDialog
          title="Cancel this batch prediction"
          action="Cancel it"
          danger
          act={async () => {
            await cancelBatchPrediction(job.id);
            await refresh();
          }}
          onClose={close}
        >
          It ends at once. {plural(job.rows.done, 'row')} that {job.rows.done === 1 ? 'is' : 'are'} done will be dropped; the file stays until the job
          is deleted.
        </ConfirmDialog>
      )}
      {asking === 'delete' && (
        <ConfirmDialog
          title="Delete this batch prediction"
          action="Delete"
          danger
          act={async () => {
            await deleteBatchPrediction(job.id);
            router.push('/batch-predictions');
            await refresh();
          }}
          onClose={close}
        >
          Its file and its result are removed. This cannot be undone.
        </ConfirmDialog>
      )}
    </>
  );
}

function RowErrors({ job }: { readonly job: BatchPredictionView }) {
  const errors = useRowErrors(job.id, job.rows.failed);
  return (
    <Panel
      title="Rows without a prediction"
      note={job.rows.failed > 0 ? 'The result has a line for each of them, with the reason.' : undefined}
      className="overflow-hidden lg:col-span-2"
    >
      <ListView
        list={errors}
        rows={2}
        empty={
          <Empty icon="check-circle" title="None so far">
            A row with a missing or unreadable cell, or one that the model refuses, is listed here with its number and the reason; the others go on.
          </Empty>
        }
      >
        {(items) => <Table caption="Rows without a prediction" columns={errorColumns} rows={items} rowKey={(row) => String(row.row)} />}
      </ListView>
    </Panel>
  );
}

const errorColumns: readonly Column<RowErrorView>[] = [
  { header: 'Row', isName: true, narrow: 'title', className: 'md:w-28', cell: (row) => formatCount(row.row) },
  {
    header: 'Column',
    className: 'md:w-48',
    cell: (row) => (row.column === null ? <span className="text-ink-3">–</span> : <Raw max={60}>{row.column}</Raw>),
  },
  { header: 'Reason', narrow: 'wide', cell: (row) => <Raw max={300}>{row.message}</Raw> },
];
