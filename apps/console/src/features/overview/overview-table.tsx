'use client';

import type { AlertView, DeploymentSummary, EventView } from '@slipway/contracts';
import Link from 'next/link';
import { Icon } from '@/components/icon';
import { SplitBar } from '@/components/split-bar';
import { Status } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { actionWords } from '@/lib/text/action-words';
import { LiveFigure, TrafficLine } from './live-cells';

export interface OverviewRow {
  readonly deployment: DeploymentSummary;
  readonly alerts: readonly AlertView[];
  readonly isWatched: boolean;
  readonly lastChange: EventView | undefined;
}

const columns: readonly Column<OverviewRow>[] = [
  { header: 'Deployment', isName: true, narrow: 'title', cell: ({ deployment }) => <NameCell deployment={deployment} /> },
  { header: 'Serving', cell: ({ deployment }) => <SplitBar split={deployment.split} /> },
  { header: 'Requests', cell: ({ deployment }) => <TrafficLine name={deployment.name} /> },
  { header: 'p95', align: 'end', cell: ({ deployment }) => <LiveFigure name={deployment.name} kind="p95" /> },
  { header: 'Errors', align: 'end', cell: ({ deployment }) => <LiveFigure name={deployment.name} kind="errors" /> },
  { header: 'CPU', align: 'end', cell: ({ deployment }) => <LiveFigure name={deployment.name} kind="cpu" /> },
  { header: 'Memory', align: 'end', cell: ({ deployment }) => <LiveFigure name={deployment.name} kind="memory" /> },
  { header: 'Alerts', cell: (row) => <AlertsCell {...row} /> },
  { header: 'Last change', cell: ({ lastChange }) => <ChangeCell event={lastChange} /> },
];

export function OverviewTable({ rows }: { readonly rows: readonly OverviewRow[] }) {
  return <Table caption="Deployments" columns={columns} rows={rows} rowKey={(row) => row.deployment.id} />;
}

function NameCell({ deployment }: { readonly deployment: DeploymentSummary }) {
  return (
    <div className="flex w-full items-center justify-between gap-3 md:justify-start">
      <div className="min-w-0">
        <Link href={`/deployments/${encodeURIComponent(deployment.name)}`} className="font-semibold hover:underline max-md:text-[0.9375rem]">
          <Raw max={48}>{deployment.name}</Raw>
        </Link>
        <p className="text-xs text-ink-3">
          <Raw max={48}>{deployment.model}</Raw> · {deployment.replicas.ready}/{deployment.replicas.wanted} up
        </p>
      </div>
      <Status value={deployment.status} title={deployment.statusReason ?? undefined} />
    </div>
  );
}

function AlertsCell({ alerts, isWatched, deployment }: OverviewRow) {
  const href = `/deployments/${encodeURIComponent(deployment.name)}/alerts`;
  const firing = alerts.filter((alert) => alert.state === 'firing').length;
  if (alerts.length > 0) {
    return (
      <Link href={href} className={`inline-flex min-h-6 items-center gap-1 font-medium hover:underline ${firing > 0 ? 'text-bad' : 'text-warn'}`}>
        <Icon name={firing > 0 ? 'flame' : 'clock'} size={14} />
        {firing > 0 ? `${firing} firing` : `${alerts.length} pending`}
      </Link>
    );
  }
  if (isWatched) return <span className="text-ink-3">quiet</span>;
  return (
    <Link
      href={href}
      className="inline-flex min-h-6 items-center text-ink-2 underline decoration-dotted underline-offset-3 hover:text-ink"
      title="No alert rule watches this deployment"
    >
      no rule
    </Link>
  );
}

function ChangeCell({ event }: { readonly event: EventView | undefined }) {
  if (event === undefined) return <span className="text-ink-3">–</span>;
  return (
    <span className="leading-4">
      {actionWords(event.action)}{' '}
      <span className="block text-xs text-ink-3">
        <Ago at={event.at} />
      </span>
    </span>
  );
}
