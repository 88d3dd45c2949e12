'use client';

import type { HostView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button, IconButton } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { Empty, ListView } from '@/components/faces';
import { PageHeader } from '@/components/panel';
import { Badge } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { callVoid, path } from '@/lib/api/api.client';
import { useHosts } from '@/lib/api/deployments';
import { formatBytes, plural } from '@/lib/text/format-number';
import { JoinDialog } from './join-dialog';

type Wish = 'drain' | 'open' | 'remove';

/** The machines that run instances. */
export function Hosts() {
  const hosts = useHosts();
  const [joining, setJoining] = useState(false);
  const [asking, setAsking] = useState<{ readonly host: HostView; readonly wish: Wish }>();
  return (
    <>
      <PageHeader
        title="Hosts"
        below="Machines that run instances, by their own heartbeat."
        actions={
          <Button icon="plus" onClick={() => setJoining(true)}>
            Add host
          </Button>
        }
      />
      <section aria-label="Hosts" className="card overflow-hidden">
        <ListView
          list={hosts}
          empty={
            <Empty icon="host" title="No host has reported">
              The worker registers its machine when it starts. If this stays empty, the worker is not running.
            </Empty>
          }
        >
          {(items) => <Table caption="Hosts" columns={columnsFor((host, wish) => setAsking({ host, wish }))} rows={items} rowKey={(row) => row.id} />}
        </ListView>
      </section>
      {joining && <JoinDialog onClose={() => setJoining(false)} />}
      {asking !== undefined && <WishDialog {...asking} onClose={() => setAsking(undefined)} />}
    </>
  );
}

function columnsFor(onWish: (host: HostView, wish: Wish) => void): readonly Column<HostView>[] {
  return [
    {
      header: 'Host',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <span className="flex w-full flex-wrap items-center justify-between gap-3 font-semibold md:justify-start">
          <Raw max={64}>{row.name}</Raw>
          <State host={row} />
        </span>
      ),
    },
    { header: 'Cores', align: 'end', cell: (row) => row.cores },
    { header: 'Memory', align: 'end', cell: (row) => `${formatBytes(row.placedBytes)} of ${formatBytes(row.memoryBytes)}` },
    { header: 'GPUs', align: 'end', cell: (row) => (row.gpus.length === 0 ? '–' : `${row.placedGpus} of ${row.gpus.length}`) },
    { header: 'Instances', align: 'end', cell: (row) => row.instances },
    { header: 'Threads given', align: 'end', cell: (row) => row.threads },
    {
      header: 'Labels',
      narrow: 'hide',
      cell: (row) => (
        <Raw max={80}>
          {Object.entries(row.labels)
            .map(([name, value]) => `${name}=${value}`)
            .join(', ') || '–'}
        </Raw>
      ),
    },
    { header: 'Last heard', cell: (row) => <Ago at={row.lastSeenAt} /> },
    {
      header: 'Do',
      align: 'end',
      cell: (row) => (
        <span className="inline-flex gap-1">
          {row.drain || !row.schedulable ? (
            <Button kind="quiet" onClick={() => onWish(row, 'open')} aria-label={`Use ${row.name} again`}>
              Use again
            </Button>
          ) : (
            <Button kind="quiet" onClick={() => onWish(row, 'drain')} aria-label={`Drain ${row.name}`}>
              Drain
            </Button>
          )}
          {!row.live && <IconButton icon="trash" label={`Remove ${row.name}`} onClick={() => onWish(row, 'remove')} />}
        </span>
      ),
    },
  ];
}

function State({ host }: { readonly host: HostView }) {
  return (
    <span className="flex flex-wrap gap-1">
      {host.live ? (
        <Badge tone="ok" icon="check-circle">
          Live
        </Badge>
      ) : (
        <Badge tone="bad" icon="x-circle">
          Silent
        </Badge>
      )}
      {host.drain ? <Badge tone="warn">Draining</Badge> : !host.schedulable && <Badge tone="warn">Takes nothing new</Badge>}
      {host.remote && <Badge tone="idle">joined</Badge>}
    </span>
  );
}

function WishDialog({ host, wish, onClose }: { readonly host: HostView; readonly wish: Wish; readonly onClose: () => void }) {
  const client = useQueryClient();
  const send = async (method: 'PATCH' | 'DELETE', body?: object) => {
    await callVoid(path`/v1/hosts/${host.name}`, body === undefined ? { method } : { method, body });
    await client.invalidateQueries({ queryKey: ['hosts'] });
  };
  if (wish === 'drain') {
    return (
      <ConfirmDialog title={`Drain ${host.name}`} action="Drain" act={() => send('PATCH', { drain: true })} onClose={onClose}>
        {plural(host.instances, 'instance')} of it {host.instances === 1 ? 'is' : 'are'} replaced elsewhere first, and nothing new comes.
      </ConfirmDialog>
    );
  }
  if (wish === 'open') {
    return (
      <ConfirmDialog
        title={`Use ${host.name} again`}
        action="Use again"
        act={() => send('PATCH', { drain: false, schedulable: true })}
        onClose={onClose}
      >
        New instances may be placed on it.
      </ConfirmDialog>
    );
  }
  return (
    <ConfirmDialog title={`Remove ${host.name}`} action="Remove" danger act={() => send('DELETE')} onClose={onClose}>
      Its credential and certificate end with it. Refused while it has instances.
    </ConfirmDialog>
  );
}
