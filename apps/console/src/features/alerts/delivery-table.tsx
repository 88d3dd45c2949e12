'use client';

import type { DeliveryView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '@/components/button';
import { useNotify } from '@/components/notices';
import { Status } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { callVoid, path } from '@/lib/api/api.client';
import { sentenceOf } from '@/lib/api/api-error';
import { formatSeconds, plural } from '@/lib/text/format-number';

/** What was sent to whom, and how it went. */
export function DeliveryTable({ items }: { readonly items: readonly DeliveryView[] }) {
  return <Table caption="Deliveries" columns={columns} rows={items} rowKey={(row) => row.id} />;
}

const columns: readonly Column<DeliveryView>[] = [
  {
    header: 'Receiver',
    isName: true,
    narrow: 'title',
    cell: (row) => (
      <span className="flex w-full items-center justify-between gap-3 md:justify-start">
        <Raw max={48}>{row.receiver}</Raw>
        <Status value={row.status} />
      </span>
    ),
  },
  { header: 'Notice', cell: (row) => row.kind },
  { header: 'Answer', cell: (row) => <Answer row={row} /> },
  { header: 'Attempts', align: 'end', cell: (row) => plural(row.attempts, 'attempt') },
  { header: 'When', cell: (row) => <Ago at={row.deliveredAt ?? row.createdAt} /> },
  { header: 'Do', align: 'end', narrow: 'wide', cell: (row) => (row.status === 'DEAD' ? <Replay row={row} /> : null) },
];

function Answer({ row }: { readonly row: DeliveryView }) {
  const parts = [
    row.responseCode === null ? '' : String(row.responseCode),
    row.durationMs === null ? '' : formatSeconds(row.durationMs / 1_000),
  ].filter((part) => part !== '');
  return (
    <span className="leading-4">
      {parts.join(', ') || '–'}
      {row.lastError !== null && (
        <span className="block text-xs text-bad">
          <Raw max={160}>{row.lastError}</Raw>
        </span>
      )}
      {row.status === 'PENDING' && row.nextAttemptAt !== null && (
        <span className="block text-xs text-ink-3">next try at {new Date(row.nextAttemptAt).toLocaleTimeString('en-GB')}</span>
      )}
    </span>
  );
}

function Replay({ row }: { readonly row: DeliveryView }) {
  const client = useQueryClient();
  const notify = useNotify();
  const [busy, setBusy] = useState(false);
  const replay = async () => {
    setBusy(true);
    await callVoid(path`/v1/deliveries/${row.id}/replay`, { method: 'POST', body: {} }).then(
      () => notify('Sent again'),
      (error: unknown) => notify(sentenceOf(error)),
    );
    void client.invalidateQueries({ queryKey: ['deliveries'] });
    setBusy(false);
  };
  return (
    <Button busy={busy} onClick={() => void replay()}>
      Send again
    </Button>
  );
}
