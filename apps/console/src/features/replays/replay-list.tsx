'use client';

import type { ReplayView } from '@slipway/contracts';
import Link from 'next/link';
import { useState } from 'react';
import { Button } from '@/components/button';
import { Empty, ListView } from '@/components/faces';
import { Panel } from '@/components/panel';
import { Status } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Actor, Ago, Raw } from '@/components/text';
import { useReplays } from '@/lib/api/replays';
import { formatCount, formatRatio } from '@/lib/text/format-number';
import { CreateReplayDialog } from './create-replay-dialog';

/** Recorded requests given to other versions, without any live one. */
export function ReplayList({ deployment }: { readonly deployment: string }) {
  const replays = useReplays(deployment);
  const [creating, setCreating] = useState(false);
  const create = (
    <Button kind="primary" icon="play" onClick={() => setCreating(true)}>
      New replay
    </Button>
  );
  return (
    <Panel title="Replays" note="recorded requests given to a version, before it gets one live request" actions={create} className="overflow-hidden">
      <ListView
        list={replays}
        empty={
          <Empty icon="play" title="No replay yet">
            Where a revision keeps a sample of its requests (<code className="font-mono text-xs">spec.requestSamples</code>), any version can be asked
            how it would have answered them.
          </Empty>
        }
      >
        {(items) => <Table caption="Replays" columns={columns} rows={items} rowKey={(row) => row.id} />}
      </ListView>
      {creating && <CreateReplayDialog deployment={deployment} onClose={() => setCreating(false)} />}
    </Panel>
  );
}

const columns: readonly Column<ReplayView>[] = [
  {
    header: 'Version',
    isName: true,
    narrow: 'title',
    cell: (row) => (
      <span className="flex w-full flex-wrap items-center justify-between gap-3 md:justify-start">
        <Link href={`/replays/${encodeURIComponent(row.id)}`} className="font-semibold hover:underline">
          v{row.version}
        </Link>
        <Status value={row.status} title={row.failure ?? undefined} />
      </span>
    ),
  },
  { header: 'What came of it', narrow: 'wide', cell: (row) => <Raw max={300}>{row.failure ?? row.summary}</Raw> },
  { header: 'Requests', align: 'end', cell: (row) => `${formatCount(row.requests.done)} of ${formatCount(row.requests.planned)}` },
  { header: 'Other labels', align: 'end', cell: (row) => (row.pairs.flipShare === null ? '–' : formatRatio(row.pairs.flipShare)) },
  {
    header: 'When',
    cell: (row) => (
      <span>
        <Ago at={row.createdAt} /> by <Actor name={row.createdBy} />
      </span>
    ),
  },
];
