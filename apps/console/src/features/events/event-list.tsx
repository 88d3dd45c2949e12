'use client';

import type { EventView } from '@slipway/contracts';
import Link from 'next/link';
import { useRouter, useSearchParams } from 'next/navigation';
import { Empty, ListView } from '@/components/faces';
import { PageHeader } from '@/components/panel';
import { type Column, Table } from '@/components/table';
import { Actor, Ago, Raw } from '@/components/text';
import { useEvents } from '@/lib/api/access';
import { safeProse } from '@/lib/text/safe-text';

const kinds = ['deployment', 'model', 'version', 'batch-prediction', 'alert', 'key'] as const;

/** Who did what, when and why, with the state before and after. */
export function EventList() {
  const router = useRouter();
  const kind = useSearchParams().get('kind') ?? undefined;
  const events = useEvents({ subjectKind: kind }, 50);
  return (
    <>
      <PageHeader
        title="Events"
        below="Every change, as it was written with the change itself."
        actions={
          <label className="flex items-center gap-2 text-[0.8125rem] text-ink-2">
            About
            <select
              className="control !w-auto"
              value={kind ?? ''}
              onChange={(event) => router.replace(event.target.value === '' ? '/events' : `/events?kind=${event.target.value}`)}
            >
              <option value="">everything</option>
              {kinds.map((each) => (
                <option key={each} value={each}>
                  {each.replace('-', ' ')}s
                </option>
              ))}
            </select>
          </label>
        }
      />
      <section aria-label="Events" className="card overflow-hidden">
        <ListView
          list={events}
          rows={8}
          empty={
            <Empty icon="list" title="Nothing recorded">
              Uploads, deploys, rollbacks, keys and rules show here as they happen.
            </Empty>
          }
        >
          {(items) => <Table caption="Events" columns={columns} rows={items} rowKey={(row) => row.id} />}
        </ListView>
      </section>
    </>
  );
}

const columns: readonly Column<EventView>[] = [
  { header: 'When', narrow: 'hide', className: 'w-28 align-top!', cell: (row) => <Ago at={row.at} /> },
  {
    header: 'What',
    isName: true,
    narrow: 'title',
    className: 'align-top!',
    cell: (row) => (
      <span className="flex w-full items-baseline justify-between gap-3">
        <code className="font-mono text-xs font-normal">{row.action}</code>
        <span className="font-normal text-ink-3 md:hidden">
          <Ago at={row.at} />
        </span>
      </span>
    ),
  },
  { header: 'About', narrow: 'wide', className: 'align-top!', cell: (row) => <About event={row} /> },
  { header: 'Who', className: 'align-top!', cell: (row) => <Actor name={row.actor} /> },
  { header: 'Before and after', className: 'align-top! md:w-[38%]', narrow: 'wide', cell: (row) => <Change event={row} /> },
];

function About({ event }: { readonly event: EventView }) {
  return (
    <div>
      <Subject event={event} />
      {event.reason !== null && (
        <p className="text-ink-2">
          <Raw max={300}>{event.reason}</Raw>
        </p>
      )}
    </div>
  );
}

function Subject({ event }: { readonly event: EventView }) {
  const href = linkTo(event);
  const name = <Raw max={80}>{event.subjectName}</Raw>;
  return (
    <>
      {event.subjectKind.replaceAll(/[_-]/g, ' ')}{' '}
      {href === undefined ? (
        <strong className="font-medium">{name}</strong>
      ) : (
        <Link href={href} className="font-medium hover:underline">
          {name}
        </Link>
      )}
    </>
  );
}

function linkTo({ subjectKind, subjectId, subjectName }: EventView): string | undefined {
  if (subjectKind === 'deployment') return `/deployments/${encodeURIComponent(subjectName)}`;
  if (subjectKind === 'model') return `/models/${encodeURIComponent(subjectName)}`;
  if (subjectKind === 'batch-prediction') return `/batch-predictions/${encodeURIComponent(subjectId)}`;
  return undefined;
}

function Change({ event }: { readonly event: EventView }) {
  if (isNothing(event.before) && isNothing(event.after)) return <span className="text-ink-3 max-md:hidden">–</span>;
  return (
    <details className="w-full">
      <summary className="min-h-6 text-xs text-ink-3 hover:text-ink">Show</summary>
      <div className="mt-1 grid gap-2">
        <State label="Before" value={event.before} />
        <State label="After" value={event.after} />
      </div>
    </details>
  );
}

function State({ label, value }: { readonly label: string; readonly value: unknown }) {
  return (
    <div className="code min-w-0 overflow-x-auto p-2">
      <span className="text-ink-3">{label}</span>
      <pre className="raw whitespace-pre-wrap">{isNothing(value) ? '–' : safeProse(JSON.stringify(value, null, 1), 4_000)}</pre>
    </div>
  );
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined;
}
