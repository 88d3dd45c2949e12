'use client';

import type { ReferenceItem, VersionView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button, IconButton } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { Empty, ListView } from '@/components/faces';
import { Panel } from '@/components/panel';
import { Badge, type Tone } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Actor, Ago, Raw } from '@/components/text';
import { callVoid } from '@/lib/api/api.client';
import { referencesAddress, useReferences } from '@/lib/api/references';
import { formatCount } from '@/lib/text/format-number';
import { CreateReferenceDialog } from './create-reference-dialog';

/** What a version's inputs and outputs looked like when all was well: what drift and estimates are judged against. */
export function ReferencesPanel({ version }: { readonly version: VersionView }) {
  const client = useQueryClient();
  const references = useReferences(version.model, version.version);
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<ReferenceItem>();
  const add = (
    <Button icon="plus" onClick={() => setCreating(true)}>
      New reference
    </Button>
  );
  return (
    <Panel title="Reference" note="what drift and estimates are judged against" actions={add} className="overflow-hidden lg:col-span-2">
      <ListView
        list={references}
        rows={2}
        empty={
          <Empty icon="table" title="None yet">
            The first rows of live traffic become the reference by themselves. A file of training rows makes a better one.
          </Empty>
        }
      >
        {(items) => <Table caption="Reference profiles" columns={columnsFor(setDeleting)} rows={items} rowKey={(row) => row.id} />}
      </ListView>
      {creating && <CreateReferenceDialog version={version} onClose={() => setCreating(false)} />}
      {deleting !== undefined && (
        <ConfirmDialog
          title="Delete the reference"
          action="Delete"
          danger
          onClose={() => setDeleting(undefined)}
          act={async () => {
            await callVoid(`${referencesAddress(version.model, version.version)}/${encodeURIComponent(deleting.id)}`, { method: 'DELETE' });
            await client.invalidateQueries({ queryKey: ['models', 'references'] });
          }}
        >
          {deleting.active
            ? 'Judgements stand on it now; afterwards the newest of the others that is ready takes its place.'
            : 'Nothing stands on it.'}
        </ConfirmDialog>
      )}
    </Panel>
  );
}

const looks: Readonly<Record<ReferenceItem['status'], { readonly tone: Tone; readonly word: string }>> = {
  BUILDING: { tone: 'info', word: 'Being made' },
  READY: { tone: 'idle', word: 'Ready' },
  FAILED: { tone: 'bad', word: 'Failed' },
};

function columnsFor(onDelete: (reference: ReferenceItem) => void): readonly Column<ReferenceItem>[] {
  return [
    {
      header: 'From',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <span className="flex w-full flex-wrap items-center justify-between gap-2 md:justify-start">
          <span>{originWords(row)}</span>
          {row.active ? (
            <Badge tone="ok" icon="check-circle">
              In use
            </Badge>
          ) : (
            <Badge tone={looks[row.status].tone}>{looks[row.status].word}</Badge>
          )}
        </span>
      ),
    },
    { header: 'Rows', align: 'end', cell: (row) => formatCount(row.rows) },
    { header: 'Labels', cell: (row) => (row.labelled ? 'yes' : 'no') },
    {
      header: 'Made',
      cell: (row) => (
        <span>
          <Ago at={row.createdAt} /> by <Actor name={row.createdBy} />
        </span>
      ),
    },
    { header: 'Why not', narrow: 'wide', cell: (row) => (row.reason === null ? '–' : <Raw max={300}>{row.reason}</Raw>) },
    {
      header: 'Do',
      align: 'end',
      narrow: 'wide',
      cell: (row) => <IconButton icon="trash" label={`Delete the reference ${row.id}`} onClick={() => onDelete(row)} />,
    },
  ];
}

function originWords({ origin }: ReferenceItem) {
  switch (origin.kind) {
    case 'dataset':
      return (
        <>
          the labelled set <Raw max={60}>{origin.name}</Raw>
        </>
      );
    case 'file':
      return (
        <>
          the file <Raw max={60}>{origin.name ?? origin.digest.slice(0, 12)}</Raw>
        </>
      );
    case 'version':
      return `version ${origin.version}`;
    case 'traffic':
      return `live traffic, ${formatCount(origin.rowsWanted)} rows`;
    default:
      return '–';
  }
}
