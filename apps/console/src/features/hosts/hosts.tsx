'use client';

import type { HostView } from '@slipway/contracts';
import { Empty, ListView } from '@/components/faces';
import { PageHeader } from '@/components/panel';
import { Badge } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { useHosts } from '@/lib/api/deployments';
import { formatBytes } from '@/lib/text/format-number';

/** The machines that run instances. */
export function Hosts() {
  const hosts = useHosts();
  return (
    <>
      <PageHeader title="Hosts" below="Machines that run instances, by their own heartbeat." />
      <section aria-label="Hosts" className="card overflow-hidden">
        <ListView
          list={hosts}
          empty={
            <Empty icon="host" title="No host has reported">
              The worker registers its machine when it starts. If this stays empty, the worker is not running.
            </Empty>
          }
        >
          {(items) => <Table caption="Hosts" columns={columns} rows={items} rowKey={(row) => row.id} />}
        </ListView>
      </section>
    </>
  );
}

const columns: readonly Column<HostView>[] = [
  {
    header: 'Host',
    isName: true,
    narrow: 'title',
    cell: (row) => (
      <span className="flex w-full items-center justify-between gap-3 font-semibold md:justify-start">
        <Raw max={64}>{row.name}</Raw>
        {row.live ? (
          <Badge tone="ok" icon="check-circle">
            Live
          </Badge>
        ) : (
          <Badge tone="bad" icon="x-circle">
            Silent
          </Badge>
        )}
      </span>
    ),
  },
  { header: 'Cores', align: 'end', cell: (row) => row.cores },
  { header: 'Memory', align: 'end', cell: (row) => formatBytes(row.memoryBytes) },
  { header: 'Instances', align: 'end', cell: (row) => row.instances },
  { header: 'Threads given', align: 'end', cell: (row) => row.threads },
  { header: 'Last heard', cell: (row) => <Ago at={row.lastSeenAt} /> },
];
