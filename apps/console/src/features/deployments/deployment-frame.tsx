'use client';

import type { DeploymentView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { Button, IconButton } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { DeployDialog } from '@/components/deploy/deploy-dialog';
import { rollbackTargets } from '@/components/deploy/impact';
import { RollbackDialog } from '@/components/deploy/rollback-dialog';
import { QueryView } from '@/components/faces';
import { Icon } from '@/components/icon';
import { useNotify } from '@/components/notices';
import { PageHeader } from '@/components/panel';
import { SplitBar } from '@/components/split-bar';
import { Status } from '@/components/status';
import { type Tab, Tabs } from '@/components/tabs';
import { Ago, Raw } from '@/components/text';
import { useAlerts } from '@/lib/api/alerts';
import { callVoid, path } from '@/lib/api/api.client';
import { sentenceOf } from '@/lib/api/api-error';
import { useDeployment } from '@/lib/api/deployments';
import { useShortcut } from '@/lib/use-shortcut';

/** The head and the tabs of a deployment; the tab itself is the child. */
export function DeploymentFrame({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  const query = useDeployment(name);
  return (
    <QueryView query={query}>
      {(deployment) => (
        <>
          <Head deployment={deployment} />
          {children}
        </>
      )}
    </QueryView>
  );
}

type Open = 'deploy' | 'rollback' | 'suspend' | 'delete';

function Head({ deployment }: { readonly deployment: DeploymentView }) {
  const [open, setOpen] = useState<Open>();
  useShortcut('r', () => setOpen('rollback'), open === undefined);
  useShortcut('d', () => setOpen('deploy'), open === undefined);
  const close = () => setOpen(undefined);
  const back = rollbackTargets(deployment)[0];
  return (
    <>
      <PageHeader
        title={<Raw max={128}>{deployment.name}</Raw>}
        above={[{ href: '/', label: 'Overview' }]}
        beside={<Status value={deployment.status} title={deployment.statusReason ?? undefined} />}
        below={<Facts deployment={deployment} />}
        actions={
          <>
            <IconButton
              icon={deployment.suspended ? 'play' : 'pause'}
              label={deployment.suspended ? 'Resume' : 'Pause'}
              onClick={() => setOpen('suspend')}
            />
            <IconButton icon="trash" label="Delete" onClick={() => setOpen('delete')} />
            <Button
              icon="back"
              disabled={back === undefined}
              onClick={() => setOpen('rollback')}
              title={back === undefined ? 'No earlier revision has served' : 'Shortcut: r'}
            >
              Roll back
            </Button>
            <Button kind="primary" icon="deploy" onClick={() => setOpen('deploy')} title="Shortcut: d">
              Deploy
            </Button>
          </>
        }
      />
      <Banner deployment={deployment} />
      <DeploymentTabs deployment={deployment} />
      {open === 'deploy' && <DeployDialog deployment={deployment} onClose={close} />}
      {open === 'rollback' && <RollbackDialog deployment={deployment} onClose={close} />}
      {open === 'suspend' && <SuspendDialog deployment={deployment} onClose={close} />}
      {open === 'delete' && <DeleteDialog deployment={deployment} onClose={close} />}
    </>
  );
}

function Facts({ deployment }: { readonly deployment: DeploymentView }) {
  return (
    <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <span className="flex items-center gap-1.5">
        serves <SplitBar split={deployment.split} />
      </span>
      <span aria-hidden="true" className="text-line-strong">
        ·
      </span>
      <span>
        model{' '}
        <Link href={`/models/${encodeURIComponent(deployment.model)}`} className="link">
          <Raw>{deployment.model}</Raw>
        </Link>
      </span>
      <span aria-hidden="true" className="text-line-strong">
        ·
      </span>
      <span>
        {deployment.replicas.ready} of {deployment.replicas.wanted} instances up
      </span>
    </span>
  );
}

function Banner({ deployment }: { readonly deployment: DeploymentView }) {
  const { rollout, statusReason, status } = deployment;
  const onward = { href: `/deployments/${encodeURIComponent(deployment.name)}/rollout` };
  if (rollout !== null && (rollout.status === 'PROGRESSING' || rollout.status === 'HELD' || rollout.status === 'PAUSED')) {
    const to = deployment.revisions.find((each) => each.revision === rollout.toRevision);
    return (
      <div role="status" className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg bg-info-soft px-4 py-2.5 text-[0.8125rem] text-info">
        <Icon name={rollout.status === 'PROGRESSING' ? 'progress' : 'pause'} className={rollout.status === 'PROGRESSING' ? 'animate-spin' : ''} />
        <span>
          Rolling out {to === undefined ? `revision ${rollout.toRevision}` : `v${to.version} (revision ${rollout.toRevision})`}:{' '}
          {rollout.status === 'PROGRESSING' ? rollout.phase.replace('_', ' ') : rollout.status.toLowerCase()}
          {rollout.weightPercent > 0 && rollout.weightPercent < 100 && `, ${rollout.weightPercent} % of the traffic`}, since{' '}
          <Ago at={rollout.startedAt} />
          {rollout.waitingFor !== null && (
            <span className="block text-xs">
              <Raw max={300}>{rollout.waitingFor}</Raw>
            </span>
          )}
        </span>
        <Link {...onward} className="link ml-auto">
          Details
        </Link>
        <AbortRollout name={deployment.name} />
      </div>
    );
  }
  if (rollout?.status === 'ABORTED' && deployment.revisions.at(-1)?.revision === rollout.toRevision) {
    return (
      <p className="mb-4 flex items-start gap-3 rounded-lg bg-warn-soft px-4 py-2.5 text-[0.8125rem] text-warn">
        <Icon name="alert" className="mt-0.5" />
        <span>
          The rollout of revision {rollout.toRevision} was aborted; what served before keeps serving.{' '}
          <Raw max={400}>{rollout.causeDetail ?? rollout.cause ?? ''}</Raw>{' '}
          <Link {...onward} className="link">
            Evidence
          </Link>
        </span>
      </p>
    );
  }
  if (statusReason === null || status === 'READY') return null;
  return (
    <p className="mb-4 flex items-start gap-3 rounded-lg bg-warn-soft px-4 py-2.5 text-[0.8125rem] text-warn">
      <Icon name="alert" className="mt-0.5" />
      <Raw max={400}>{statusReason}</Raw>
    </p>
  );
}

function AbortRollout({ name }: { readonly name: string }) {
  const client = useQueryClient();
  const notify = useNotify();
  const [busy, setBusy] = useState(false);
  const abort = async () => {
    setBusy(true);
    await callVoid(path`/v1/deployments/${name}/rollout/abort`, { method: 'POST', body: {} }).catch((error: unknown) => notify(sentenceOf(error)));
    await client.invalidateQueries({ queryKey: ['deployments'] });
    setBusy(false);
  };
  return (
    <Button busy={busy} onClick={() => void abort()}>
      Stop the rollout
    </Button>
  );
}

function DeploymentTabs({ deployment }: { readonly deployment: DeploymentView }) {
  const firing = useAlerts('firing').items?.filter((alert) => alert.deployment === deployment.name).length ?? 0;
  const base = `/deployments/${encodeURIComponent(deployment.name)}`;
  const tabs: readonly Tab[] = [
    { href: base, label: 'Health' },
    { href: `${base}/resources`, label: 'Resources' },
    { href: `${base}/watch`, label: 'Watch' },
    { href: `${base}/quality`, label: 'Quality' },
    { href: `${base}/data`, label: 'Data' },
    { href: `${base}/noise`, label: 'Noise' },
    { href: `${base}/objectives`, label: 'Objectives' },
    { href: `${base}/versions`, label: 'Versions' },
    { href: `${base}/rollout`, label: 'Rollout' },
    { href: `${base}/replays`, label: 'Replays' },
    {
      href: `${base}/alerts`,
      label: 'Alerts',
      badge: firing > 0 ? <span className="rounded-full bg-bad-solid px-1.5 text-2xs font-semibold text-white">{firing}</span> : undefined,
    },
    { href: `${base}/predict`, label: 'Playground' },
  ];
  return <Tabs label="Deployment" tabs={tabs} />;
}

function SuspendDialog({ deployment, onClose }: { readonly deployment: DeploymentView; readonly onClose: () => void }) {
  const client = useQueryClient();
  const suspended = !deployment.suspended;
  const act = async () => {
    await callVoid(path`/v1/deployments/${deployment.name}`, { method: 'PATCH', body: { suspended } });
    await client.invalidateQueries({ queryKey: ['deployments'] });
  };
  return (
    <ConfirmDialog
      title={suspended ? `Pause ${deployment.name}` : `Resume ${deployment.name}`}
      action={suspended ? 'Pause' : 'Resume'}
      act={act}
      onClose={onClose}
    >
      {suspended
        ? 'Its instances are stopped and callers get 503 until it is resumed. Revisions, history, labels and alert rules stay.'
        : 'Its instances are started again; it takes traffic as soon as one is ready.'}
    </ConfirmDialog>
  );
}

function DeleteDialog({ deployment, onClose }: { readonly deployment: DeploymentView; readonly onClose: () => void }) {
  const client = useQueryClient();
  const router = useRouter();
  const act = async () => {
    await callVoid(path`/v1/deployments/${deployment.name}`, { method: 'DELETE' });
    router.push('/');
    await client.invalidateQueries({ queryKey: ['deployments', 'list'] });
  };
  return (
    <ConfirmDialog title={`Delete ${deployment.name}`} action="Delete" danger typedName={deployment.name} act={act} onClose={onClose}>
      Callers get 404 from then on. The model and its versions stay. This cannot be undone.
    </ConfirmDialog>
  );
}
