'use client';

import type { AlertView } from '@slipway/contracts';
import Link from 'next/link';
import { useRouter, useSearchParams } from 'next/navigation';
import { Button, ButtonLink } from '@/components/button';
import { Empty, ListView } from '@/components/faces';
import { Status } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { useAlertRules, useAlerts } from '@/lib/api/alerts';
import { plural } from '@/lib/text/format-number';
import { AlertsTabs } from './alerts-tabs';

const filters = ['all', 'firing', 'pending', 'resolved'] as const;
type Filter = (typeof filters)[number];
const order: Readonly<Record<string, number>> = { firing: 0, pending: 1, resolved: 2, inactive: 3 };

/** What rings, what is about to, what has passed. */
export function Inbox() {
  const router = useRouter();
  const wanted = useSearchParams().get('state');
  const filter: Filter = filters.find((each) => each === wanted) ?? 'all';
  const alerts = useAlerts(filter === 'all' ? undefined : filter);
  return (
    <>
      <AlertsTabs />
      <fieldset className="mb-4 flex flex-wrap gap-1">
        <legend className="sr-only">State</legend>
        {filters.map((each) => (
          <Button
            key={each}
            kind={each === filter ? 'plain' : 'quiet'}
            aria-pressed={each === filter}
            onClick={() => router.replace(each === 'all' ? '/alerts' : `/alerts?state=${each}`)}
          >
            {each[0]?.toUpperCase() + each.slice(1)}
          </Button>
        ))}
      </fieldset>
      <section aria-label="Alerts" className="card overflow-hidden">
        <ListView list={alerts} empty={<Quiet filter={filter} />}>
          {(items) => <Table caption="Alerts" columns={columns} rows={items.toSorted(byUrgency)} rowKey={(row) => row.id} />}
        </ListView>
      </section>
    </>
  );
}

function byUrgency(a: AlertView, b: AlertView): number {
  return (order[a.state] ?? 9) - (order[b.state] ?? 9) || b.updatedAt.localeCompare(a.updatedAt);
}

const columns: readonly Column<AlertView>[] = [
  {
    header: 'Alert',
    isName: true,
    narrow: 'title',
    cell: (row) => (
      <span className="flex w-full items-center justify-between gap-3 md:justify-start">
        <Link href={`/alerts/${encodeURIComponent(row.id)}`} className="font-semibold hover:underline max-md:text-[0.9375rem]">
          <Raw max={48}>{row.rule}</Raw>
        </Link>
        <Status value={row.state} />
      </span>
    ),
  },
  {
    header: 'Deployment',
    cell: (row) => (
      <Link href={`/deployments/${encodeURIComponent(row.deployment)}`} className="hover:underline">
        <Raw max={48}>{row.deployment}</Raw>
      </Link>
    ),
  },
  { header: 'Severity', cell: (row) => <Status value={row.severity} /> },
  {
    header: 'What',
    narrow: 'wide',
    cell: (row) => <span className="text-ink-2">{row.judgement === null ? '–' : <Raw max={200}>{row.judgement.reason}</Raw>}</span>,
  },
  { header: 'Since', cell: (row) => <Ago at={row.firingAt ?? row.pendingAt ?? row.updatedAt} /> },
];

/** Silence must be told from blindness: how many rules look, and when they last did. */
function Quiet({ filter }: { readonly filter: Filter }) {
  const rules = useAlertRules().items;
  if (rules === undefined) return null;
  const active = rules.filter((rule) => rule.enabled);
  const last = active
    .map((rule) => rule.evaluatedAt)
    .filter((at) => at !== null)
    .toSorted()
    .at(-1);
  if (active.length === 0) {
    return (
      <Empty
        icon="bell"
        title="Nothing can ring: no rule is active"
        action={
          <ButtonLink kind="primary" icon="plus" href="/alerts/rules?new=1">
            Add a rule
          </ButtonLink>
        }
      >
        A rule watches one deployment: its error share or its p95 latency above a value for a time.
      </Empty>
    );
  }
  return (
    <Empty icon="check-circle" title={filter === 'all' || filter === 'firing' ? 'All quiet' : `Nothing ${filter}`}>
      {plural(active.length, 'rule')} on watch, last evaluated {last === undefined ? 'never yet' : <Ago at={last} />}.
    </Empty>
  );
}
