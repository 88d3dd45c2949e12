'use client';

import type { DeploymentView, RevisionView } from '@slipway/contracts';
import Link from 'next/link';
import { useState } from 'react';
import { Button } from '@/components/button';
import { activeRevision, rollbackTargets } from '@/components/deploy/impact';
import { RollbackDialog } from '@/components/deploy/rollback-dialog';
import { RolloutProgress } from '@/components/deploy/rollout-progress';
import { Panel } from '@/components/panel';
import { Badge, Status } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Actor, Ago, Raw } from '@/components/text';
import { useDeployment } from '@/lib/api/deployments';
import { shortDigest } from '@/lib/text/format-number';
import { History } from './history';
import { ServedTimeline } from './served-timeline';

/** Which version served when, why and by whose hand, and the way back to each. */
export function Versions({ name }: { readonly name: string }) {
  const deployment = useDeployment(name).data;
  const [backTo, setBackTo] = useState<number>();
  if (deployment === undefined) return null;
  const rows = deployment.revisions.toSorted((a, b) => b.revision - a.revision);
  return (
    <div className="flex flex-col gap-4">
      <ServedTimeline name={name} />
      {deployment.rollout !== null && deployment.rollout.status !== 'COMPLETED' && (
        <Panel title="Rollout" actions={<Status value={deployment.rollout.status} />}>
          <div className="p-4 text-[0.8125rem]">
            <RolloutProgress deployment={deployment} />
          </div>
        </Panel>
      )}
      <Panel title="Revisions" note="what ran with which settings; they never change" className="overflow-hidden">
        <Table caption="Revisions" columns={columnsFor(deployment, setBackTo)} rows={rows} rowKey={(row) => row.id} />
      </Panel>
      <History name={name} />
      {backTo !== undefined && <RollbackDialog deployment={deployment} revision={backTo} onClose={() => setBackTo(undefined)} />}
    </div>
  );
}

function columnsFor(deployment: DeploymentView, onBack: (revision: number) => void): readonly Column<RevisionView>[] {
  const active = activeRevision(deployment);
  const targets = rollbackTargets(deployment);
  return [
    {
      header: 'Revision',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <span className="flex w-full flex-wrap items-center justify-between gap-2 md:justify-start">
          <span>
            <Link
              href={`/models/${encodeURIComponent(deployment.model)}/versions/${row.version}`}
              className="font-semibold hover:underline max-md:text-[0.9375rem]"
            >
              v{row.version}
            </Link>{' '}
            <span className="font-normal text-ink-3">revision {row.revision}</span>
          </span>
          <State row={row} />
        </span>
      ),
    },
    {
      header: 'Why',
      narrow: 'wide',
      cell: (row) => (row.reason === null ? <span className="text-ink-3">no reason given</span> : <Raw max={160}>{row.reason}</Raw>),
    },
    {
      header: 'Who and when',
      cell: (row) => (
        <span className="leading-4">
          <Actor name={row.createdBy} />
          <span className="block text-xs text-ink-3">
            <Ago at={row.createdAt} />
          </span>
        </span>
      ),
    },
    { header: 'Served', cell: (row) => <Served row={row} isActive={row.revision === active?.revision} /> },
    { header: 'Replicas', align: 'end', cell: (row) => row.replicas },
    { header: 'File', narrow: 'hide', cell: (row) => <code className="font-mono text-xs">{shortDigest(row.digest)}</code> },
    {
      header: 'Do',
      align: 'end',
      narrow: 'wide',
      cell: (row) =>
        targets.some((each) => each.revision === row.revision) ? (
          <Button icon="back" onClick={() => onBack(row.revision)} aria-label={`Roll back to revision ${row.revision}, version ${row.version}`}>
            Roll back to here
          </Button>
        ) : null,
    },
  ];
}

function State({ row }: { readonly row: RevisionView }) {
  if (row.weightPercent > 0) {
    return (
      <Badge tone="ok" icon="check-circle">
        Serving {row.weightPercent} %
      </Badge>
    );
  }
  if (row.warm) {
    return (
      <Badge tone="info" icon="bolt" title="Still loaded: a rollback to it takes effect within a second">
        Warm
      </Badge>
    );
  }
  return null;
}

function Served({ row, isActive }: { readonly row: RevisionView; readonly isActive: boolean }) {
  if (row.activatedAt === null) return <span className="text-ink-3">never</span>;
  return (
    <span className="leading-4">
      from <Ago at={row.activatedAt} />
      <span className="block text-xs text-ink-3">
        {isActive || row.retiredAt === null ? (
          'until now'
        ) : (
          <>
            until <Ago at={row.retiredAt} />
          </>
        )}
      </span>
    </span>
  );
}
