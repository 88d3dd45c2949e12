'use client';

import { type QuotaView, quotaPolicies, quotaResources } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { Dialog } from '@/components/dialog';
import { Empty, ListView, Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { PageHeader, Panel } from '@/components/panel';
import { Raw } from '@/components/text';
import { callVoid, path } from '@/lib/api/api.client';
import { useDeployments } from '@/lib/api/deployments';
import { useQuotas } from '@/lib/api/quotas';
import { amountText, resourceWords, takenShare } from './quota-words';

/** What the project and each deployment may take, and what they do take. */
export function Quotas() {
  const quotas = useQuotas();
  const [editing, setEditing] = useState<QuotaView | 'new'>();
  const add = (
    <Button kind="primary" icon="plus" onClick={() => setEditing('new')}>
      Set a quota
    </Button>
  );
  return (
    <>
      <PageHeader title="Quotas" below="What is not stated is not limited. A change takes effect within a second." actions={add} />
      <ListView
        list={quotas}
        empty={
          <Empty icon="table" title="Nothing to show" action={add}>
            A quota keeps one deployment from taking what others need.
          </Empty>
        }
      >
        {(items) => (
          <div className="grid items-start gap-4 lg:grid-cols-2">
            {items.map((quota) => (
              <Scope key={quota.scope} quota={quota} onEdit={() => setEditing(quota)} />
            ))}
          </div>
        )}
      </ListView>
      {editing !== undefined && <QuotaDialog quota={editing === 'new' ? undefined : editing} onClose={() => setEditing(undefined)} />}
    </>
  );
}

function Scope({ quota, onEdit }: { readonly quota: QuotaView; readonly onEdit: () => void }) {
  const client = useQueryClient();
  const [lifting, setLifting] = useState(false);
  const shown = quotaResources.filter((resource) => quota.limits?.[resource] !== undefined || quota.used[resource] !== undefined);
  return (
    <Panel
      title={quota.scope === 'project' ? 'The whole project' : <Raw max={60}>{quota.scope.replace(/^deployment:/, '')}</Raw>}
      note={quota.policy === null ? 'not limited' : `over its rate: ${quota.policy}`}
      actions={
        <>
          <Button kind="quiet" onClick={onEdit} aria-label={`Change the quota of ${quota.scope}`}>
            Change
          </Button>
          {quota.limits !== null && (
            <Button kind="quiet" onClick={() => setLifting(true)} aria-label={`Lift the quota of ${quota.scope}`}>
              Lift
            </Button>
          )}
        </>
      }
    >
      <dl className="flex flex-col gap-3 p-4 text-[0.8125rem]">
        {shown.map((resource) => {
          const share = takenShare(quota.used[resource], quota.limits?.[resource]);
          return (
            <div key={resource} className="grid grid-cols-[1fr_auto] gap-x-4">
              <dt>{resourceWords(resource)}</dt>
              <dd className="contents">
                <span className="text-ink-2">
                  {amountText(resource, quota.used[resource])}
                  {quota.limits?.[resource] !== undefined && ` of ${amountText(resource, quota.limits[resource])}`}
                </span>
                {share !== undefined && (
                  <span aria-hidden="true" className="col-span-2 mt-1 block h-1.5 overflow-hidden rounded-full bg-sunken">
                    <span className={`block h-full ${share >= 0.9 ? 'bg-bad-solid' : 'bg-accent'}`} style={{ width: `${share * 100}%` }} />
                  </span>
                )}
              </dd>
            </div>
          );
        })}
      </dl>
      {lifting && (
        <ConfirmDialog
          title="Lift this quota"
          action="Lift it"
          act={async () => {
            await callVoid(path`/v1/quotas/${quota.scope}`, { method: 'DELETE' });
            await client.invalidateQueries({ queryKey: ['quotas'] });
          }}
          onClose={() => setLifting(false)}
        >
          Nothing is limited by it any more, within a second.
        </ConfirmDialog>
      )}
    </Panel>
  );
}

/** Limits that belong to a project alone. */
const ofProject: readonly string[] = ['storageBytes', 'models', 'versions'];

function QuotaDialog({ quota, onClose }: { readonly quota: QuotaView | undefined; readonly onClose: () => void }) {
  const client = useQueryClient();
  const deployments = useDeployments().items ?? [];
  const [scope, setScope] = useState(quota?.scope ?? 'project');
  const [policy, setPolicy] = useState<string>(quota?.policy ?? 'refuse');
  const [limits, setLimits] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(Object.entries(quota?.limits ?? {}).map(([resource, amount]) => [resource, String(amount)])),
  );
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const resources = [...quotaResources, 'burst'].filter((resource) => scope === 'project' || !ofProject.includes(resource));
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const stated = resources.flatMap((resource) =>
        limits[resource] === undefined || limits[resource] === '' ? [] : [[resource, Number(limits[resource])]],
      );
      await callVoid(path`/v1/quotas/${scope}`, { method: 'PUT', body: { limits: Object.fromEntries(stated), policy } });
      await client.invalidateQueries({ queryKey: ['quotas'] });
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title="Set a quota"
      onClose={onClose}
      footer={
        <>
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" busy={busy} onClick={() => void save()}>
            Set
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label="For">
          {(props) => (
            <select {...props} className="control" disabled={quota !== undefined} value={scope} onChange={(event) => setScope(event.target.value)}>
              <option value="project">the whole project</option>
              {deployments.map((each) => (
                <option key={each.id} value={`deployment:${each.name}`}>
                  {each.name}
                </option>
              ))}
            </select>
          )}
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          {resources.map((resource) => (
            <Field key={resource} label={`${resourceWords(resource)}${resource.endsWith('Bytes') ? ', in bytes' : ''}`} optional>
              {(props) => (
                <input
                  {...props}
                  type="number"
                  min={0}
                  step="any"
                  className="control"
                  value={limits[resource] ?? ''}
                  onChange={(event) => setLimits({ ...limits, [resource]: event.target.value })}
                />
              )}
            </Field>
          ))}
        </div>
        <Field label="Over its rate, requests are">
          {(props) => (
            <select {...props} className="control" value={policy} onChange={(event) => setPolicy(event.target.value)}>
              {quotaPolicies.map((each) => (
                <option key={each} value={each}>
                  {
                    {
                      refuse: 'refused at once, with the time to come back',
                      queue: 'queued until their deadline',
                      throttle: 'let in at an even pace',
                    }[each]
                  }
                </option>
              ))}
            </select>
          )}
        </Field>
        <Problem error={error} />
      </div>
    </Dialog>
  );
}
