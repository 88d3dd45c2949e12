'use client';

import type { AlertRuleView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useRouter, useSearchParams } from 'next/navigation';
import { useState } from 'react';
import { Button, IconButton } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { Empty, ListView } from '@/components/faces';
import { useNotify } from '@/components/notices';
import { Status } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { useAlertRules } from '@/lib/api/alerts';
import { callVoid, path } from '@/lib/api/api.client';
import { sentenceOf } from '@/lib/api/api-error';
import { ruleSentence } from '@/lib/text/rule-sentence';
import { AlertsTabs } from './alerts-tabs';
import { CreateRuleDialog } from './create-rule-dialog';

/** The rules, each as a sentence, with what it saw last. */
export function Rules() {
  const router = useRouter();
  const params = useSearchParams();
  const rules = useAlertRules();
  const [creating, setCreating] = useState(params.get('new') !== null);
  const [deleting, setDeleting] = useState<AlertRuleView>();
  const client = useQueryClient();
  const add = (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      Add rule
    </Button>
  );
  const close = () => {
    setCreating(false);
    if (params.get('new') !== null) router.replace('/alerts/rules');
  };
  return (
    <>
      <AlertsTabs actions={add} />
      <section aria-label="Rules" className="card overflow-hidden">
        <ListView
          list={rules}
          empty={
            <Empty icon="bell" title="No rules yet" action={add}>
              A rule is a sentence: when the error share, the latency, the drift or the quality of a deployment is beyond its limit for a time, then
              notify someone.
            </Empty>
          }
        >
          {(items) => <Table caption="Alert rules" columns={columnsFor(setDeleting)} rows={items} rowKey={(row) => row.id} />}
        </ListView>
      </section>
      {creating && <CreateRuleDialog deployment={params.get('deployment') ?? ''} onClose={close} />}
      {deleting !== undefined && (
        <ConfirmDialog
          title={`Delete ${deleting.name}`}
          action="Delete"
          danger
          onClose={() => setDeleting(undefined)}
          act={async () => {
            await callVoid(path`/v1/alert-rules/${deleting.name}`, { method: 'DELETE' });
            await client.invalidateQueries({ queryKey: ['alert-rules'] });
          }}
        >
          {ruleSentence(deleting)} Nothing will watch for this any more. Past alerts stay.
        </ConfirmDialog>
      )}
    </>
  );
}

function columnsFor(onDelete: (rule: AlertRuleView) => void): readonly Column<AlertRuleView>[] {
  return [
    {
      header: 'Rule',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <span className="flex w-full items-center justify-between gap-3 md:justify-start">
          <span className="font-semibold max-md:text-[0.9375rem]">
            <Raw max={48}>{row.name}</Raw>
          </span>
          <Status value={row.enabled ? row.state : 'SUSPENDED'} />
        </span>
      ),
    },
    { header: 'Sentence', narrow: 'wide', cell: (row) => <span className="text-ink-2">{ruleSentence(row)}</span> },
    { header: 'Severity', cell: (row) => <Status value={row.severity} /> },
    {
      header: 'Last look',
      narrow: 'wide',
      cell: (row) =>
        row.evaluatedAt === null ? (
          <span className="text-ink-3">not yet</span>
        ) : (
          <span className="leading-4">
            <Ago at={row.evaluatedAt} />
            {row.judgement !== null && (
              <span className="block text-xs text-ink-3">
                <Raw max={120}>{row.judgement.reason}</Raw>
              </span>
            )}
          </span>
        ),
    },
    {
      header: 'Do',
      align: 'end',
      narrow: 'wide',
      cell: (row) => (
        <span className="flex items-center justify-end gap-1">
          <Toggle rule={row} />
          <IconButton icon="trash" label={`Delete the rule ${row.name}`} onClick={() => onDelete(row)} />
        </span>
      ),
    },
  ];
}

function Toggle({ rule }: { readonly rule: AlertRuleView }) {
  const client = useQueryClient();
  const notify = useNotify();
  const change = async () => {
    await callVoid(path`/v1/alert-rules/${rule.name}`, { method: 'PATCH', body: { enabled: !rule.enabled } }).catch((error: unknown) =>
      notify(sentenceOf(error)),
    );
    void client.invalidateQueries({ queryKey: ['alert-rules'] });
  };
  return (
    <IconButton
      icon={rule.enabled ? 'pause' : 'play'}
      label={`${rule.enabled ? 'Switch off' : 'Switch on'} the rule ${rule.name}`}
      onClick={() => void change()}
    />
  );
}
