'use client';

import { type ChangedItem, HistoryRestored, historyKinds } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearchParams } from 'next/navigation';
import { useState } from 'react';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { Empty, ListView, Problem } from '@/components/faces';
import { PageHeader, Panel } from '@/components/panel';
import { Badge } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Raw } from '@/components/text';
import { call } from '@/lib/api/api.client';
import { useChangesSince } from '@/lib/api/history';
import { formatFull } from '@/lib/time/format-time';

const hoursBack = [1, 24, 24 * 7, 24 * 30] as const;

/** What was different at a time in the past, and the way back to it. */
export function HistoryView() {
  const router = useRouter();
  const params = useSearchParams();
  const at = params.get('at') ?? '';
  const kind = params.get('kind') ?? undefined;
  const changes = useChangesSince(at, kind);
  const [restoring, setRestoring] = useState<ChangedItem>();
  const go = (next: { at?: string; kind?: string }) => {
    const search = new URLSearchParams({ at, kind: kind ?? '', ...next });
    for (const [name, value] of [...search]) if (value === '') search.delete(name);
    router.replace(`/history?${search}`);
  };
  return (
    <>
      <PageHeader
        title="History"
        below="Everything that ever was: what differs between then and now, and the way back."
        actions={
          <>
            <label className="flex items-center gap-2 text-[0.8125rem] text-ink-2">
              Since
              <input
                type="datetime-local"
                className="control !w-auto"
                value={at === '' ? '' : localText(at)}
                onChange={(event) => event.target.value !== '' && go({ at: new Date(event.target.value).toISOString() })}
              />
            </label>
            <label className="flex items-center gap-2 text-[0.8125rem] text-ink-2">
              About
              <select className="control !w-auto" value={kind ?? ''} onChange={(event) => go({ kind: event.target.value })}>
                <option value="">everything</option>
                {historyKinds.map((each) => (
                  <option key={each} value={each}>
                    {each.replaceAll('-', ' ')}s
                  </option>
                ))}
              </select>
            </label>
          </>
        }
      />
      {at === '' ? (
        <Panel title="Choose a time">
          <div className="flex flex-wrap gap-2 p-4">
            {hoursBack.map((hours) => (
              <Button key={hours} onClick={() => go({ at: new Date(Date.now() - hours * 3_600_000).toISOString() })}>
                {hours < 24 ? 'An hour ago' : hours === 24 ? 'A day ago' : `${hours / 24} days ago`}
              </Button>
            ))}
          </div>
        </Panel>
      ) : (
        <Panel title={`From ${formatFull(at)} until now`} className="overflow-hidden">
          <ListView
            list={changes}
            rows={6}
            empty={
              <Empty icon="check-circle" title="Nothing differs">
                Everything is as it was at that time.
              </Empty>
            }
          >
            {(items) => <Table caption="Changes" columns={columns(setRestoring)} rows={items} rowKey={(row) => `${row.kind}:${row.id}`} />}
          </ListView>
        </Panel>
      )}
      {restoring !== undefined && <RestoreDialog item={restoring} at={at} onClose={() => setRestoring(undefined)} />}
    </>
  );
}

/** A time as a `datetime-local` control takes it: the person's own clock, without seconds. */
function localText(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const tones = { added: 'ok', changed: 'info', removed: 'bad' } as const;
const shownDifferences = 8;

function columns(onRestore: (item: ChangedItem) => void): readonly Column<ChangedItem>[] {
  return [
    {
      header: 'What',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <span className="flex w-full flex-wrap items-center justify-between gap-2 md:justify-start">
          <span>
            <span className="font-normal text-ink-3">{row.kind.replaceAll('-', ' ')}</span> <Raw max={80}>{row.name}</Raw>
          </span>
          <Badge tone={tones[row.change]}>{row.change}</Badge>
        </span>
      ),
    },
    {
      header: 'Then and now',
      narrow: 'wide',
      cell: (row) => (
        <ul className="flex flex-col gap-0.5 text-xs">
          {row.differences.slice(0, shownDifferences).map((difference) => (
            <li key={difference.path}>
              <Raw max={80} mono>
                {difference.path}
              </Raw>
              : <Raw max={80}>{valueText(difference.before)}</Raw> → <Raw max={80}>{valueText(difference.after)}</Raw>
            </li>
          ))}
          {row.differences.length > shownDifferences && <li className="text-ink-3">and {row.differences.length - shownDifferences} more</li>}
        </ul>
      ),
    },
    {
      header: 'Do',
      align: 'end',
      cell: (row) =>
        (row.kind === 'alias' || row.kind === 'deployment') && row.change !== 'added' ? (
          <Button icon="back" onClick={() => onRestore(row)} aria-label={`Restore ${row.kind} ${row.name}`}>
            Restore
          </Button>
        ) : null,
    },
  ];
}

function valueText(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function RestoreDialog({ item, at, onClose }: { readonly item: ChangedItem; readonly at: string; readonly onClose: () => void }) {
  const client = useQueryClient();
  const [plan, setPlan] = useState<HistoryRestored>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const send = async (dryRun: boolean) => {
    setBusy(true);
    setError(undefined);
    try {
      const body = { at, what: item.kind, name: item.name, dryRun };
      const answer = await call(HistoryRestored, '/v1/history/restore', { method: 'POST', body });
      if (dryRun) setPlan(answer);
      else {
        await client.invalidateQueries();
        onClose();
      }
    } catch (caught) {
      setError(caught);
    }
    setBusy(false);
  };
  const isPossible = plan !== undefined && plan.refusals.length === 0 && plan.differences.length > 0;
  return (
    <Dialog
      title={`Restore ${item.kind} ${item.name}`}
      onClose={onClose}
      footer={
        <>
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          {plan === undefined ? (
            <Button kind="primary" busy={busy} onClick={() => void send(true)}>
              See what would change
            </Button>
          ) : (
            <Button kind="primary" busy={busy} disabled={!isPossible} onClick={() => void send(false)}>
              Restore
            </Button>
          )}
        </>
      }
    >
      <div className="flex flex-col gap-3 text-[0.8125rem] text-ink-2">
        <p>As it was at {formatFull(at)}. It is a new change with an event of its own; nothing of the history is lost.</p>
        {plan?.refusals.map((refusal) => (
          <p key={refusal} className="text-bad">
            <Raw max={300}>{refusal}</Raw>
          </p>
        ))}
        {plan !== undefined && (
          <ul className="flex flex-col gap-1">
            {plan.differences.map((difference) => (
              <li key={difference.path}>
                <Raw mono>{difference.path}</Raw>: <Raw>{valueText(difference.before)}</Raw> → <Raw>{valueText(difference.after)}</Raw>
              </li>
            ))}
            {plan.differences.length === 0 && plan.refusals.length === 0 && <li>It is so already.</li>}
          </ul>
        )}
        <Problem error={error} />
      </div>
    </Dialog>
  );
}
