'use client';

import type { FreezeWindowView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button, IconButton } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { Dialog } from '@/components/dialog';
import { Empty, ListView, Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { Panel } from '@/components/panel';
import { Badge } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Raw } from '@/components/text';
import { callVoid, path } from '@/lib/api/api.client';
import { useDeployments } from '@/lib/api/deployments';
import { useFreezeWindows } from '@/lib/api/rollouts';
import { formatFull } from '@/lib/time/format-time';

/** Times in which nothing moves forward; taking back always may. */
export function FreezeWindows() {
  const client = useQueryClient();
  const windows = useFreezeWindows();
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<FreezeWindowView>();
  return (
    <Panel
      title="Freeze windows"
      note="nothing moves forward in them; taking back always may"
      actions={
        <Button icon="plus" onClick={() => setAdding(true)}>
          Add window
        </Button>
      }
      className="overflow-hidden"
    >
      <ListView
        list={windows}
        rows={1}
        empty={
          <Empty icon="clock" title="No freeze window">
            For the hours in which nobody could look after a new version: holidays, closing of the books, nights.
          </Empty>
        }
      >
        {(items) => <Table caption="Freeze windows" columns={columns(setRemoving)} rows={items} rowKey={(row) => row.id} />}
      </ListView>
      {adding && <AddWindow onClose={() => setAdding(false)} />}
      {removing !== undefined && (
        <ConfirmDialog
          title={`Remove ${removing.name}`}
          action="Remove"
          act={async () => {
            await callVoid(path`/v1/freeze-windows/${removing.name}`, { method: 'DELETE' });
            await client.invalidateQueries({ queryKey: ['freeze-windows'] });
          }}
          onClose={() => setRemoving(undefined)}
        >
          Rollouts that wait for its end go on at once.
        </ConfirmDialog>
      )}
    </Panel>
  );
}

function columns(onRemove: (window: FreezeWindowView) => void): readonly Column<FreezeWindowView>[] {
  return [
    {
      header: 'Name',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <span className="flex w-full items-center justify-between gap-3 font-semibold md:justify-start">
          <Raw max={60}>{row.name}</Raw>
          {row.open && (
            <Badge tone="warn" icon="pause">
              Open now
            </Badge>
          )}
        </span>
      ),
    },
    { header: 'For', cell: (row) => (row.deployment === null ? 'all deployments' : <Raw max={60}>{row.deployment}</Raw>) },
    { header: 'From', cell: (row) => formatFull(row.from) },
    { header: 'To', cell: (row) => formatFull(row.to) },
    { header: 'Again', cell: (row) => (row.weekly ? 'each week' : 'no') },
    { header: 'Why', narrow: 'hide', cell: (row) => (row.reason === null ? '–' : <Raw max={120}>{row.reason}</Raw>) },
    { header: 'Do', align: 'end', cell: (row) => <IconButton icon="trash" label={`Remove ${row.name}`} onClick={() => onRemove(row)} /> },
  ];
}

function AddWindow({ onClose }: { readonly onClose: () => void }) {
  const client = useQueryClient();
  const deployments = useDeployments().items ?? [];
  const [form, setForm] = useState({ name: '', deployment: '', from: '', to: '', weekly: false, reason: '' });
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const set = (change: Partial<typeof form>) => setForm({ ...form, ...change });
  const add = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await callVoid('/v1/freeze-windows', {
        method: 'POST',
        body: {
          name: form.name.trim(),
          from: new Date(form.from).toISOString(),
          to: new Date(form.to).toISOString(),
          weekly: form.weekly,
          ...(form.deployment !== '' && { deployment: form.deployment }),
          ...(form.reason !== '' && { reason: form.reason }),
        },
      });
      await client.invalidateQueries({ queryKey: ['freeze-windows'] });
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="Add a freeze window"
      onClose={onClose}
      footer={
        <>
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" busy={busy} disabled={form.name.trim() === '' || form.from === '' || form.to === ''} onClick={() => void add()}>
            Add
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label="Name">
          {(props) => (
            <input {...props} className="control" autoComplete="off" value={form.name} onChange={(event) => set({ name: event.target.value })} />
          )}
        </Field>
        <Field label="For">
          {(props) => (
            <select {...props} className="control" value={form.deployment} onChange={(event) => set({ deployment: event.target.value })}>
              <option value="">all deployments</option>
              {deployments.map((each) => (
                <option key={each.id}>{each.name}</option>
              ))}
            </select>
          )}
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="From">
            {(props) => (
              <input {...props} type="datetime-local" className="control" value={form.from} onChange={(event) => set({ from: event.target.value })} />
            )}
          </Field>
          <Field label="To">
            {(props) => (
              <input {...props} type="datetime-local" className="control" value={form.to} onChange={(event) => set({ to: event.target.value })} />
            )}
          </Field>
        </div>
        <label className="flex min-h-8 items-center gap-2 text-[0.8125rem]">
          <input type="checkbox" checked={form.weekly} onChange={(event) => set({ weekly: event.target.checked })} />
          Each week at the same time (UTC)
        </label>
        <Field label="Why" optional>
          {(props) => <input {...props} className="control" value={form.reason} onChange={(event) => set({ reason: event.target.value })} />}
        </Field>
        <Problem error={error} />
      </div>
    </Dialog>
  );
}
