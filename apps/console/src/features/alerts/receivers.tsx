'use client';

import { DeliveryView, type ReceiverView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button, IconButton } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { Empty, ListView } from '@/components/faces';
import { Icon } from '@/components/icon';
import { useNotify } from '@/components/notices';
import { Panel } from '@/components/panel';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { useDeliveries, useReceivers } from '@/lib/api/alerts';
import { call, callVoid, path } from '@/lib/api/api.client';
import { sentenceOf } from '@/lib/api/api-error';
import { AlertsTabs } from './alerts-tabs';
import { CreateReceiverDialog } from './create-receiver-dialog';
import { DeliveryTable } from './delivery-table';

/** Where notices go, and how the last ones went. */
export function Receivers() {
  const receivers = useReceivers();
  const deliveries = useDeliveries();
  const client = useQueryClient();
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<ReceiverView>();
  const add = (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      Add receiver
    </Button>
  );
  return (
    <>
      <AlertsTabs actions={add} />
      <div className="flex flex-col gap-4">
        <section aria-label="Receivers" className="card overflow-hidden">
          <ListView
            list={receivers}
            empty={
              <Empty icon="mail" title="No receivers yet" action={add}>
                A receiver is a list of e-mail addresses or a webhook. Rules name the receivers they notify; without one, alerts show only here.
              </Empty>
            }
          >
            {(items) => <Table caption="Receivers" columns={columnsFor(setDeleting)} rows={items} rowKey={(row) => row.id} />}
          </ListView>
        </section>
        <Panel title="Deliveries" note="newest first" className="overflow-hidden">
          <ListView
            list={deliveries}
            empty={
              <Empty icon="send" title="Nothing sent yet">
                Send a test to see whether a receiver works before it has to.
              </Empty>
            }
          >
            {(items) => <DeliveryTable items={items} />}
          </ListView>
        </Panel>
      </div>
      {creating && <CreateReceiverDialog onClose={() => setCreating(false)} />}
      {deleting !== undefined && (
        <ConfirmDialog
          title={`Delete ${deleting.name}`}
          action="Delete"
          danger
          onClose={() => setDeleting(undefined)}
          act={async () => {
            await callVoid(path`/v1/receivers/${deleting.name}`, { method: 'DELETE' });
            await client.invalidateQueries({ queryKey: ['receivers'] });
          }}
        >
          Rules that name it will notify nobody in its place.
        </ConfirmDialog>
      )}
    </>
  );
}

function columnsFor(onDelete: (receiver: ReceiverView) => void): readonly Column<ReceiverView>[] {
  return [
    {
      header: 'Receiver',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <span className="flex items-center gap-2 font-semibold">
          <Icon name={row.kind === 'EMAIL' ? 'mail' : 'hook'} className="text-ink-3" />
          <Raw max={48}>{row.name}</Raw>
        </span>
      ),
    },
    { header: 'Kind', cell: (row) => (row.kind === 'EMAIL' ? 'E-mail' : 'Webhook') },
    { header: 'Goes to', narrow: 'wide', cell: (row) => <Raw max={120}>{row.to?.join(', ') ?? row.url ?? '–'}</Raw> },
    { header: 'Added', cell: (row) => <Ago at={row.createdAt} /> },
    {
      header: 'Do',
      align: 'end',
      narrow: 'wide',
      cell: (row) => (
        <span className="flex items-center justify-end gap-1">
          <SendTest receiver={row} />
          <IconButton icon="trash" label={`Delete the receiver ${row.name}`} onClick={() => onDelete(row)} />
        </span>
      ),
    },
  ];
}

function SendTest({ receiver }: { readonly receiver: ReceiverView }) {
  const client = useQueryClient();
  const notify = useNotify();
  const [busy, setBusy] = useState(false);
  const send = async () => {
    setBusy(true);
    try {
      const delivery = await call(DeliveryView, path`/v1/receivers/${receiver.name}/test`, { method: 'POST', body: {} });
      notify(
        delivery.status === 'DELIVERED' ? `Test delivered to ${receiver.name}` : `Test for ${receiver.name}: ${delivery.lastError ?? 'on its way'}`,
      );
    } catch (caught) {
      notify(sentenceOf(caught));
    }
    void client.invalidateQueries({ queryKey: ['deliveries'] });
    setBusy(false);
  };
  return (
    <Button icon="send" busy={busy} onClick={() => void send()} aria-label={`Send a test to ${receiver.name}`}>
      Send test
    </Button>
  );
}
