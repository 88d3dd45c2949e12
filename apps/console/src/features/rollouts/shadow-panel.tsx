'use client';

import type { ShadowView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button, IconButton } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { VersionChoice } from '@/components/deploy/version-choice';
import { Dialog } from '@/components/dialog';
import { Empty, ListView, Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { Panel } from '@/components/panel';
import { Badge } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Actor, Ago } from '@/components/text';
import { callVoid, path } from '@/lib/api/api.client';
import { useDeployment } from '@/lib/api/deployments';
import { useShadows } from '@/lib/api/rollouts';
import { formatCount, formatRatio } from '@/lib/text/format-number';

/** Revisions that get copies of live requests; callers never see their answers. */
export function ShadowPanel({ name }: { readonly name: string }) {
  const shadows = useShadows(name);
  const [adding, setAdding] = useState(false);
  const [ending, setEnding] = useState<ShadowView>();
  const client = useQueryClient();
  return (
    <Panel
      title="Shadows"
      note="get copies of live requests; callers never see their answers"
      actions={
        <Button icon="plus" onClick={() => setAdding(true)}>
          Add a shadow
        </Button>
      }
      className="overflow-hidden"
    >
      <ListView
        list={shadows}
        rows={1}
        empty={
          <Empty icon="copy" title="No shadow">
            A shadow shows how another version would answer the requests of today, without any risk for the callers.
          </Empty>
        }
      >
        {(items) => <Table caption="Shadows" columns={columns(setEnding)} rows={items} rowKey={(row) => row.id} />}
      </ListView>
      {adding && <AddShadow name={name} onClose={() => setAdding(false)} />}
      {ending !== undefined && (
        <ConfirmDialog
          title={`End the shadow of v${ending.version}`}
          action="End it"
          act={async () => {
            await callVoid(path`/v1/deployments/${name}/shadows/${ending.id}`, { method: 'DELETE' });
            await client.invalidateQueries({ queryKey: ['deployments'] });
          }}
          onClose={() => setEnding(undefined)}
        >
          Its instances stop. What was counted stays in the history.
        </ConfirmDialog>
      )}
    </Panel>
  );
}

function columns(onEnd: (shadow: ShadowView) => void): readonly Column<ShadowView>[] {
  return [
    {
      header: 'Version',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <span className="flex w-full items-center justify-between gap-3 md:justify-start">
          <span className="font-semibold">
            v{row.version} <span className="font-normal text-ink-3">revision {row.revision}</span>
          </span>
          <Badge tone={row.warm ? 'ok' : 'info'}>{row.warm ? 'Runs' : 'Loading'}</Badge>
        </span>
      ),
    },
    { header: 'Share', align: 'end', cell: (row) => `${row.samplePercent} %` },
    { header: 'Copies answered', align: 'end', cell: (row) => (row.counts === null ? '–' : formatCount(row.counts.shadow.requests)) },
    {
      header: 'Other labels',
      align: 'end',
      cell: (row) =>
        row.counts === null || row.counts.pairs === 0
          ? '–'
          : `${formatCount(row.counts.flips)} (${formatRatio(row.counts.flips / row.counts.pairs)})`,
    },
    {
      header: 'Since',
      cell: (row) => (
        <span>
          <Ago at={row.createdAt} /> by <Actor name={row.createdBy} />
        </span>
      ),
    },
    { header: 'Do', align: 'end', cell: (row) => <IconButton icon="x" label={`End the shadow of v${row.version}`} onClick={() => onEnd(row)} /> },
  ];
}

function AddShadow({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const client = useQueryClient();
  const deployment = useDeployment(name).data;
  const [choice, setChoice] = useState('');
  const [percent, setPercent] = useState('100');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const add = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const what = choice.startsWith('@') ? { alias: choice.slice(1) } : { version: Number(choice.slice(1)) };
      await callVoid(path`/v1/deployments/${name}/shadows`, { method: 'POST', body: { ...what, samplePercent: Number(percent) } });
      await client.invalidateQueries({ queryKey: ['deployments'] });
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="Add a shadow"
      onClose={onClose}
      footer={
        <>
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" busy={busy} disabled={choice === ''} onClick={() => void add()}>
            Add
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {deployment !== undefined && (
          <VersionChoice model={deployment.model} value={choice} onChange={setChoice} serving={deployment.split.map((each) => each.version)} />
        )}
        <Field label="Share of the live requests, in percent">
          {(props) => (
            <input
              {...props}
              type="number"
              min={0.1}
              max={100}
              step="any"
              className="control"
              value={percent}
              onChange={(event) => setPercent(event.target.value)}
            />
          )}
        </Field>
        <Problem error={error} />
      </div>
    </Dialog>
  );
}
