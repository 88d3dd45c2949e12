'use client';

import { CreateRolloutPlan, defaultPlans, RolloutPlan, type RolloutPlanView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button, IconButton } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { stageLabel, strategyWords } from '@/components/deploy/stage-words';
import { Dialog } from '@/components/dialog';
import { Empty, ListView, Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { Panel } from '@/components/panel';
import { type Column, Table } from '@/components/table';
import { Actor, Ago, Raw } from '@/components/text';
import { callVoid, path } from '@/lib/api/api.client';
import { useRolloutPlans } from '@/lib/api/rollouts';
import { shortDigest } from '@/lib/text/format-number';

/** Named plans; a change is a new revision of the name. */
export function RolloutPlans() {
  const client = useQueryClient();
  const plans = useRolloutPlans();
  const [editing, setEditing] = useState<RolloutPlanView | 'new'>();
  const [removing, setRemoving] = useState<RolloutPlanView>();
  return (
    <Panel
      title="Plans"
      note="immutable; a change is a new revision of the name"
      actions={
        <Button icon="plus" onClick={() => setEditing('new')}>
          Add plan
        </Button>
      }
      className="overflow-hidden"
    >
      <ListView
        list={plans}
        rows={2}
        empty={
          <Empty icon="list" title="No plan yet">
            A plan says in which stages a version is tried, what it is judged by, and who is asked. Without one a deploy names a strategy.
          </Empty>
        }
      >
        {(items) => <Table caption="Plans" columns={columns(setEditing, setRemoving)} rows={items} rowKey={(row) => row.id} />}
      </ListView>
      {editing !== undefined && <PlanDialog from={editing === 'new' ? undefined : editing} onClose={() => setEditing(undefined)} />}
      {removing !== undefined && (
        <ConfirmDialog
          title={`Remove ${removing.name}`}
          action="Remove"
          danger
          act={async () => {
            await callVoid(path`/v1/rollout-plans/${removing.name}`, { method: 'DELETE' });
            await client.invalidateQueries({ queryKey: ['rollout-plans'] });
          }}
          onClose={() => setRemoving(undefined)}
        >
          It is not offered any more. Rollouts that were started with it keep their copy.
        </ConfirmDialog>
      )}
    </Panel>
  );
}

function columns(onEdit: (plan: RolloutPlanView) => void, onRemove: (plan: RolloutPlanView) => void): readonly Column<RolloutPlanView>[] {
  return [
    {
      header: 'Name',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <span>
          <span className="font-semibold">
            <Raw max={60}>{row.name}</Raw>
          </span>{' '}
          <span className="font-normal text-ink-3">revision {row.revision}</span>
        </span>
      ),
    },
    {
      header: 'Stages',
      narrow: 'wide',
      cell: (row) => `${strategyWords(row.plan.strategy)}${row.plan.stages.length > 0 ? `: ${row.plan.stages.map(stageLabel).join(' → ')}` : ''}`,
    },
    { header: 'What for', narrow: 'hide', cell: (row) => <Raw max={120}>{row.description}</Raw> },
    { header: 'Digest', narrow: 'hide', cell: (row) => <code className="font-mono text-xs">{shortDigest(row.digest)}</code> },
    {
      header: 'Since',
      cell: (row) => (
        <span>
          <Ago at={row.createdAt} /> by <Actor name={row.createdBy} />
        </span>
      ),
    },
    {
      header: 'Do',
      align: 'end',
      cell: (row) => (
        <span className="inline-flex gap-1">
          <Button kind="quiet" onClick={() => onEdit(row)} aria-label={`Change ${row.name}`}>
            Change
          </Button>
          <IconButton icon="trash" label={`Remove ${row.name}`} onClick={() => onRemove(row)} />
        </span>
      ),
    },
  ];
}

const start = RolloutPlan.parse(defaultPlans.canary);

/** A plan is written as JSON: it is what scripts send too, and the refusal says place and reason. */
function PlanDialog({ from, onClose }: { readonly from: RolloutPlanView | undefined; readonly onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState(from?.name ?? '');
  const [description, setDescription] = useState(from?.description ?? '');
  const [text, setText] = useState(() => JSON.stringify(from?.plan ?? start, undefined, 2));
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const refusal = refusalOf(text);
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const body = CreateRolloutPlan.parse({ name: name.trim(), description, plan: JSON.parse(text) });
      await callVoid('/v1/rollout-plans', { method: 'POST', body });
      await client.invalidateQueries({ queryKey: ['rollout-plans'] });
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={from === undefined ? 'Add a plan' : `Change ${from.name}`}
      onClose={onClose}
      footer={
        <>
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" busy={busy} disabled={name.trim() === '' || refusal !== undefined} onClick={() => void save()}>
            {from === undefined ? 'Add' : 'Save as a new revision'}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label="Name">
          {(props) => (
            <input
              {...props}
              className="control"
              autoComplete="off"
              disabled={from !== undefined}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label="What for" optional>
          {(props) => <input {...props} className="control" value={description} onChange={(event) => setDescription(event.target.value)} />}
        </Field>
        <Field label="Plan" error={refusal} hint="Every field that is left out has its default.">
          {(props) => (
            <textarea
              {...props}
              className="control font-mono text-xs"
              rows={16}
              spellCheck={false}
              value={text}
              onChange={(event) => setText(event.target.value)}
            />
          )}
        </Field>
        <Problem error={error} />
      </div>
    </Dialog>
  );
}

function refusalOf(text: string): string | undefined {
  try {
    const result = RolloutPlan.safeParse(JSON.parse(text));
    if (result.success) return undefined;
    const [issue] = result.error.issues;
    return issue === undefined ? 'This is not a plan.' : `${issue.path.join('.')}: ${issue.message}`;
  } catch (error) {
    return error instanceof SyntaxError ? `This is not JSON: ${error.message}` : 'This is not JSON.';
  }
}
