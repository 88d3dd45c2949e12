'use client';

import type { KeyView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { Empty, ListView } from '@/components/faces';
import { PageHeader } from '@/components/panel';
import { Badge } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Actor, Ago, Raw } from '@/components/text';
import { useKeys } from '@/lib/api/access';
import { callVoid, path } from '@/lib/api/api.client';
import { useNow } from '@/lib/use-now';
import { CreateKeyDialog } from './create-key-dialog';

/** API keys: who may call what. */
export function Keys() {
  const keys = useKeys();
  const client = useQueryClient();
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<KeyView>();
  const add = (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      Create key
    </Button>
  );
  return (
    <>
      <PageHeader title="API keys" below="For programs. A key belongs to this project and can do what its scopes say." actions={add} />
      <section aria-label="API keys" className="card overflow-hidden">
        <ListView
          list={keys}
          empty={
            <Empty icon="key" title="No keys yet" action={add}>
              Create one for each program that sends predictions or deploys, so that each can be revoked alone.
            </Empty>
          }
        >
          {(items) => (
            <Table
              caption="API keys"
              columns={columnsFor(setRevoking)}
              rows={items}
              rowKey={(row) => row.id}
              rowClassName={(row) => (row.revokedAt === null ? '' : 'text-ink-3')}
            />
          )}
        </ListView>
      </section>
      {creating && <CreateKeyDialog onClose={() => setCreating(false)} />}
      {revoking !== undefined && (
        <ConfirmDialog
          title={`Revoke ${revoking.name}`}
          action="Revoke"
          danger
          onClose={() => setRevoking(undefined)}
          act={async () => {
            await callVoid(path`/v1/keys/${revoking.name}`, { method: 'DELETE' });
            await client.invalidateQueries({ queryKey: ['keys'] });
          }}
        >
          Calls with this key are refused within a second, for good.
        </ConfirmDialog>
      )}
    </>
  );
}

function columnsFor(onRevoke: (key: KeyView) => void): readonly Column<KeyView>[] {
  return [
    {
      header: 'Key',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <span className="flex w-full items-center justify-between gap-3 md:justify-start">
          <span className="font-semibold">
            <Raw max={48}>{row.name}</Raw> <code className="font-mono text-xs font-normal text-ink-3">{row.hint}…</code>
          </span>
          <KeyState row={row} />
        </span>
      ),
    },
    {
      header: 'May',
      narrow: 'wide',
      cell: (row) => row.scopes.join(', '),
    },
    {
      header: 'Created',
      cell: (row) => (
        <span className="leading-4">
          <Ago at={row.createdAt} />
          <span className="block text-xs text-ink-3">
            <Actor name={row.createdBy} />
          </span>
        </span>
      ),
    },
    {
      header: 'Ends',
      cell: (row) => (row.expiresAt === null ? 'never' : new Date(row.expiresAt).toLocaleDateString('en-GB', { dateStyle: 'medium' })),
    },
    {
      header: 'Do',
      align: 'end',
      narrow: 'wide',
      cell: (row) =>
        row.revokedAt === null ? (
          <Button onClick={() => onRevoke(row)} aria-label={`Revoke the key ${row.name}`}>
            Revoke
          </Button>
        ) : null,
    },
  ];
}

function KeyState({ row }: { readonly row: KeyView }) {
  const now = useNow();
  if (row.revokedAt !== null)
    return (
      <Badge tone="idle" icon="x-circle">
        Revoked
      </Badge>
    );
  if (row.expiresAt !== null && now > 0 && Date.parse(row.expiresAt) < now)
    return (
      <Badge tone="warn" icon="clock">
        Expired
      </Badge>
    );
  return (
    <Badge tone="ok" icon="check-circle">
      Valid
    </Badge>
  );
}
