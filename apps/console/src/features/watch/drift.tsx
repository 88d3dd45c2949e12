'use client';

import type { DriftColumn, DriftSeries } from '@slipway/contracts';
import Link from 'next/link';
import { useState } from 'react';
import { Sparkline } from '@/components/charts/sparkline';
import { Stat, StatRow } from '@/components/charts/stat';
import { Empty, Loading, QueryView } from '@/components/faces';
import { Folded } from '@/components/folded';
import { JudgementTable } from '@/components/judgement-table';
import { Panel } from '@/components/panel';
import { ProgressBar } from '@/components/progress-bar';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { Verdict } from '@/components/verdict';
import { TabBar } from '@/features/deployments/tab-bar';
import { useDeployment } from '@/lib/api/deployments';
import { useDrift } from '@/lib/api/watch';
import { formatCount, formatNumber, formatRatio } from '@/lib/text/format-number';
import { useRange } from '@/lib/use-range';
import { DriftDetail } from './drift-detail';

/** How far inputs and outputs lie from the reference, those first that matter most for the predictions. */
export function Drift({ name }: { readonly name: string }) {
  const range = useRange();
  const query = useDrift(name, range);
  return (
    <>
      <TabBar range={range} note="Every prediction is counted. A change must be significant and large to count as drift." />
      <QueryView query={query} loading={<Loading rows={8} />}>
        {(data) => <Seen name={name} data={data} />}
      </QueryView>
    </>
  );
}

function Seen({ name, data }: { readonly name: string; readonly data: DriftSeries }) {
  const [column, setColumn] = useState<string>();
  if (data.columns.length === 0) return <Nothing name={name} data={data} />;
  const chosen = data.columns.find((each) => each.column === column) ?? data.columns[0];
  return (
    <>
      <StatRow>
        <Stat name="Rows" value={formatCount(data.rows)} note={`v${data.version}, in this window`} />
        <Stat
          name="Differ"
          value={formatCount(data.columns.filter((each) => each.span.verdict === 'alarm').length)}
          note={`of ${data.columns.length} columns`}
        />
        <Stat name="As a whole" value={data.span === null ? '–' : <Verdict value={data.span.verdict} />} />
        <Stat
          name="Reference"
          value={data.reference === null ? '–' : `${formatCount(data.reference.rows)} rows`}
          note={data.reference === null ? undefined : <ReferenceNote name={name} reference={data.reference} version={data.version} />}
        />
      </StatRow>
      {data.span !== null && (
        <p className="mb-4 text-[0.8125rem] text-ink-2">
          <Raw max={600}>{data.span.reason}</Raw>
        </p>
      )}
      {chosen !== undefined && <DriftDetail name={name} data={data} column={chosen} />}
      <Panel title="Columns" note="this window as one, against the reference" className="mt-4 overflow-hidden">
        <Folded rows={data.columns} first={Math.max(10, data.columns.filter((each) => each.span.verdict === 'alarm').length)}>
          {(rows) => <Table caption="Columns by drift" columns={columnsFor(setColumn)} rows={rows} rowKey={(row) => `${row.side} ${row.column}`} />}
        </Folded>
      </Panel>
      {data.judgements.length > 0 && (
        <Panel title="Judgements" note="hour by hour; what rules follow" className="mt-4 overflow-hidden">
          <JudgementTable caption="Drift, judged" judgements={data.judgements} what="Column" />
        </Panel>
      )}
    </>
  );
}

interface ReferenceNoteProps {
  readonly name: string;
  readonly version: number | null;
  readonly reference: NonNullable<DriftSeries['reference']>;
}

function ReferenceNote({ name, version, reference }: ReferenceNoteProps) {
  const model = useDeployment(name).data?.model;
  return (
    <>
      {reference.source}, <Ago at={reference.createdAt} />
      {model !== undefined && version !== null && (
        <>
          {' · '}
          <Link href={`/models/${encodeURIComponent(model)}/versions/${version}`} className="link">
            replace
          </Link>
        </>
      )}
    </>
  );
}

function Nothing({ name, data }: { readonly name: string; readonly data: DriftSeries }) {
  const model = useDeployment(name).data?.model;
  const { learning, version } = data;
  return (
    <div className="card">
      <Empty
        icon="table"
        title={learning === null ? 'Nothing to compare' : 'Learning what is usual'}
        action={
          model !== undefined && version !== null ? (
            <Link href={`/models/${encodeURIComponent(model)}/versions/${version}`} className="link">
              Give v{version} a reference
            </Link>
          ) : undefined
        }
      >
        {data.off}
        {learning !== null && (
          <span className="mt-3 block">
            <ProgressBar share={learning.wanted === 0 ? 0 : learning.rows / learning.wanted} label={`${learning.rows} of ${learning.wanted} rows`} />
          </span>
        )}
      </Empty>
    </div>
  );
}

function columnsFor(onChoose: (column: string) => void): readonly Column<DriftColumn>[] {
  return [
    {
      header: 'Column',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <span className="flex w-full flex-wrap items-center justify-between gap-2">
          <button type="button" className="link min-h-6 text-left" onClick={() => onChoose(row.column)}>
            <Raw max={60}>{row.column}</Raw>
          </button>
          <Verdict value={row.span.verdict} />
        </span>
      ),
    },
    { header: 'In words', narrow: 'wide', cell: (row) => <Raw max={300}>{row.span.reason}</Raw> },
    {
      header: 'Drift',
      align: 'end',
      cell: (row) => (
        <span className="inline-flex items-center gap-2">
          <Sparkline values={row.points.map((point) => point.effect)} label={`Drift of ${row.column} over time`} width={64} />
          {formatNumber(row.span.value)}
        </span>
      ),
    },
    { header: 'Weight', align: 'end', cell: (row) => (row.side === 'output' ? 'output' : formatRatio(row.importance)) },
    { header: 'Missing', align: 'end', cell: (row) => formatRatio(latest(row, 'missingShare')) },
    { header: 'New values', align: 'end', cell: (row) => formatRatio(latest(row, 'unseenShare') ?? latest(row, 'outOfRangeShare')) },
  ];
}

function latest(row: DriftColumn, key: 'missingShare' | 'unseenShare' | 'outOfRangeShare'): number | null {
  return row.points.findLast((point) => point[key] !== null)?.[key] ?? null;
}
