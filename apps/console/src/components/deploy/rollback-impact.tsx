'use client';

import type { DeploymentView, RevisionView } from '@slipway/contracts';
import type { ReactNode } from 'react';
import { useServing } from '@/lib/api/deployments';
import { useVersion } from '@/lib/api/models';
import { loadOf } from '@/lib/charts/recent-load';
import { formatRate, formatRatio, formatSeconds } from '@/lib/text/format-number';
import { shortRange } from '@/lib/time/time-range';
import { Icon } from '../icon';
import { Badge } from '../status';
import { Ago, Raw } from '../text';
import { compareSignatures } from './impact';

interface RollbackImpactProps {
  readonly deployment: DeploymentView;
  readonly from: RevisionView;
  readonly to: RevisionView;
}

/** What changes, how fast, for how much traffic, and what stays as it is. */
export function RollbackImpact({ deployment, from, to }: RollbackImpactProps) {
  const serving = useServing(deployment.name, shortRange);
  const fromVersion = useVersion(deployment.model, from.version).data;
  const toVersion = useVersion(deployment.model, to.version).data;
  const load = loadOf(serving.data?.total ?? []);
  const signature = compareSignatures(fromVersion?.signature, toVersion?.signature);
  const loadMs = toVersion?.footprint?.loadMs;
  return (
    <div className="flex flex-col gap-3">
      <div className="grid grid-cols-[1fr_auto_1fr] items-center gap-3 rounded-lg border border-line bg-sunken p-3">
        <Side label="Now" revision={from} />
        <Icon name="arrow" className="text-ink-3" />
        <Side label="After" revision={to} />
      </div>
      <dl className="grid grid-cols-[8.5rem_1fr] gap-x-4 gap-y-2 text-[0.8125rem] max-sm:grid-cols-[6.5rem_1fr]">
        <Row name="Takes effect">
          {to.warm ? (
            <>
              <Badge tone="ok" icon="bolt">
                Instant
              </Badge>
              still loaded, within a second
            </>
          ) : (
            <>
              <Badge tone="warn" icon="clock">
                Loads first
              </Badge>
              {loadMs === undefined ? 'a few seconds, usually' : `about ${formatSeconds(Math.max(1, loadMs / 1_000))} and a warm-up`}; until then v
              {from.version} serves
            </>
          )}
        </Row>
        <Row name="Traffic now">
          {load === undefined
            ? 'none in the last 15 minutes'
            : `${formatRate(load.requestsPerSecond)}, ${formatRatio(load.errorRatio)} errors, p95 ${formatSeconds(load.p95)}`}
        </Row>
        <Row name="Signature">
          {signature.kind === 'same' && 'the same: callers need not change'}
          {signature.kind === 'unknown' && 'not known yet'}
          {signature.kind === 'different' && (
            <>
              <Badge tone="warn" icon="alert">
                Different
              </Badge>
              <ul className="mt-1 list-disc pl-4 text-xs">
                {signature.notes.slice(0, 4).map((note) => (
                  <li key={note}>
                    <Raw max={160}>{note}</Raw>
                  </li>
                ))}
              </ul>
            </>
          )}
        </Row>
        <Row name="Not rolled back">labels, alert rules, aliases, keys; requests in flight finish on v{from.version}</Row>
      </dl>
    </div>
  );
}

function Side({ label, revision }: { readonly label: string; readonly revision: RevisionView }) {
  return (
    <div className="min-w-0">
      <p className="text-xs text-ink-3">{label}</p>
      <p className="text-lg leading-6 font-semibold">v{revision.version}</p>
      <p className="text-xs text-ink-3">
        revision {revision.revision} · first served {revision.activatedAt === null ? 'never' : <Ago at={revision.activatedAt} />}
      </p>
    </div>
  );
}

function Row({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <>
      <dt className="text-ink-3">{name}</dt>
      <dd className="flex min-w-0 flex-wrap items-center gap-x-1.5">{children}</dd>
    </>
  );
}
