'use client';

import type { FailureSample, FailureSeries, InstanceFailure } from '@slipway/contracts';
import { QueryView } from '@/components/faces';
import { Panel } from '@/components/panel';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { useFailures } from '@/lib/api/watch';
import { useRange } from '@/lib/use-range';

/** What failed and why: instances that ended, requests to look at. Shows nothing where nothing failed. */
export function Failures({ name }: { readonly name: string }) {
  const query = useFailures(name, useRange());
  return (
    <QueryView query={query} loading={null}>
      {(data) => (data.instanceFailures.length + data.samples.length === 0 ? null : <Seen data={data} />)}
    </QueryView>
  );
}

function Seen({ data }: { readonly data: FailureSeries }) {
  return (
    <div className="mt-4 grid items-start gap-4 xl:grid-cols-2">
      {data.instanceFailures.length > 0 && (
        <Panel title="Instances that ended" className="overflow-hidden">
          <Table caption="Instances that ended" columns={instanceColumns} rows={data.instanceFailures.slice(0, 20)} rowKey={(row) => row.id} />
        </Panel>
      )}
      {data.samples.length > 0 && (
        <Panel title="Failed requests" note="a part of them" className="overflow-hidden xl:col-span-2">
          <Table
            caption="Failed requests"
            columns={sampleColumns}
            rows={data.samples.slice(0, 20)}
            rowKey={(row) => `${row.predictionId} ${row.at}`}
          />
        </Panel>
      )}
    </div>
  );
}

/** `deadline_exceeded` as people read it. */
function reasonWords(reason: string): string {
  return reason.replaceAll('_', ' ');
}

const instanceColumns: readonly Column<InstanceFailure>[] = [
  {
    header: 'Why',
    isName: true,
    narrow: 'title',
    cell: (row) => (
      <span>
        {reasonWords(row.reason)}
        {row.signal !== null && ` (${row.signal})`}
      </span>
    ),
  },
  { header: 'In words', narrow: 'wide', cell: (row) => <Raw max={300}>{row.message}</Raw> },
  { header: 'Version', align: 'end', cell: (row) => `v${row.version}` },
  { header: 'When', align: 'end', cell: (row) => <Ago at={row.at} /> },
];

const sampleColumns: readonly Column<FailureSample>[] = [
  {
    header: 'Prediction',
    isName: true,
    narrow: 'title',
    // Without an answer there is no record to lead to.
    cell: (row) => <code className="font-mono text-xs">{row.predictionId}</code>,
  },
  { header: 'Reason', cell: (row) => reasonWords(row.reason) },
  { header: 'Answered with', cell: (row) => (row.code === null ? '–' : <code className="font-mono text-xs">{row.code}</code>) },
  { header: 'In words', narrow: 'wide', cell: (row) => (row.message === null ? '–' : <Raw max={200}>{row.message}</Raw>) },
  { header: 'When', align: 'end', cell: (row) => <Ago at={row.at} /> },
];
