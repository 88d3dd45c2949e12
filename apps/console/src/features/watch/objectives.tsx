'use client';

import type { SloBurn, SloSeries, SloStatus } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button, IconButton } from '@/components/button';
import type { ChartSeries } from '@/components/charts/chart-props';
import { Stat, StatRow } from '@/components/charts/stat';
import { TimeChart } from '@/components/charts/time-chart';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { Empty, Loading, QueryView } from '@/components/faces';
import { Panel } from '@/components/panel';
import { Badge, type Tone } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { TabBar } from '@/features/deployments/tab-bar';
import { callVoid, path } from '@/lib/api/api.client';
import { useObjectives } from '@/lib/api/watch';
import { chartRows } from '@/lib/charts/chart-rows';
import { summarise } from '@/lib/charts/summarise';
import { formatCount, formatNumber, formatRatio } from '@/lib/text/format-number';
import { objectiveSentence } from '@/lib/text/objective-sentence';
import { formatSpan } from '@/lib/time/format-time';
import { useRange } from '@/lib/use-range';
import { CreateObjectiveDialog } from './create-objective-dialog';

/** What the deployment promises, how much of each error budget is left, and how fast it is burnt. */
export function Objectives({ name }: { readonly name: string }) {
  const range = useRange();
  const query = useObjectives(name, range);
  const [creating, setCreating] = useState(false);
  const add = (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      Add objective
    </Button>
  );
  return (
    <>
      <TabBar range={range} note="A share of good requests over a period. What may go wrong is the error budget." />
      <QueryView query={query} loading={<Loading rows={8} />}>
        {(data) =>
          data.objectives.length === 0 ? (
            <div className="card">
              <Empty icon="list" title="No objectives yet" action={add}>
                An objective is a promise: 99.9 % of the requests are answered, 99 % within 250 ms. It alarms when its budget is burnt too fast, over
                a long and a short window together, so that a single slow minute wakes nobody.
              </Empty>
            </div>
          ) : (
            <div className="flex flex-col gap-4">
              <div className="flex justify-end">{add}</div>
              {data.objectives.map((objective) => (
                <Objective key={objective.name} data={data} objective={objective} />
              ))}
            </div>
          )
        }
      </QueryView>
      {creating && <CreateObjectiveDialog deployment={name} onClose={() => setCreating(false)} />}
    </>
  );
}

const looks: Readonly<
  Record<SloStatus['status'], { readonly tone: Tone; readonly word: string; readonly icon: 'check-circle' | 'flame' | 'dash' | 'pause' }>
> = {
  ok: { tone: 'ok', word: 'Holds', icon: 'check-circle' },
  page: { tone: 'bad', word: 'Burning fast', icon: 'flame' },
  ticket: { tone: 'warn', word: 'Burning', icon: 'flame' },
  no_data: { tone: 'idle', word: 'No requests', icon: 'dash' },
  disabled: { tone: 'idle', word: 'Switched off', icon: 'pause' },
};
const budget: readonly ChartSeries[] = [{ key: 'budget', label: 'budget left', color: 'var(--chart-1)', kind: 'area' }];

function Objective({ data, objective }: { readonly data: SloSeries; readonly objective: SloStatus }) {
  const client = useQueryClient();
  const [deleting, setDeleting] = useState(false);
  const rows = chartRows(data, objective.points, (point) => ({ budget: point.budgetRemaining }));
  const look = looks[objective.status];
  const refresh = () => client.invalidateQueries({ queryKey: ['series', 'slo', objective.deployment] });
  return (
    <Panel
      title={<Raw max={80}>{objective.name}</Raw>}
      note={objectiveSentence(objective)}
      actions={
        <>
          <Badge tone={look.tone} icon={look.icon}>
            {look.word}
          </Badge>
          <IconButton icon="trash" label={`Delete the objective ${objective.name}`} onClick={() => setDeleting(true)} />
        </>
      }
      className="overflow-hidden"
    >
      {objective.judgement !== null && (
        <p className="px-4 pt-3 text-[0.8125rem] text-ink-2">
          <Raw max={600}>{objective.judgement.reason}</Raw>
        </p>
      )}
      <div className="p-4 pb-0">
        <StatRow>
          <Stat name="Budget left" value={formatRatio(objective.budgetRemaining)} note={`of ${objective.periodDays} days`} />
          <Stat name="Bad share" value={formatRatio(objective.errorRatio)} note={`${formatRatio(1 - objective.target)} allowed`} />
          <Stat name="Bad" value={formatCount(objective.bad)} note={`of ${formatCount(objective.valid)}`} />
          <Stat
            name="Used up"
            value={objective.exhaustedAt === null ? 'not in sight' : <Ago at={objective.exhaustedAt} />}
            note="at the present pace"
          />
        </StatRow>
        <TimeChart
          title="Error budget"
          unit={`left of ${objective.periodDays} days`}
          rows={rows}
          series={budget}
          format={formatRatio}
          summary={summarise(rows, 'budget', 'Budget left', formatRatio)}
          yMax={1}
          yMin={Math.min(0, ...objective.points.map((point) => point.budgetRemaining ?? 0))}
        />
      </div>
      <Table
        caption={`Burn rates of ${objective.name}`}
        columns={burnColumns}
        rows={objective.burn}
        rowKey={(row) => `${row.severity} ${row.longSeconds}`}
      />
      {deleting && (
        <ConfirmDialog
          title={`Delete ${objective.name}`}
          action="Delete"
          danger
          onClose={() => setDeleting(false)}
          act={async () => {
            await callVoid(path`/v1/deployments/${objective.deployment}/slos/${objective.name}`, { method: 'DELETE' });
            await refresh();
          }}
        >
          Its budget is not watched any more. What was judged so far stays.
        </ConfirmDialog>
      )}
    </Panel>
  );
}

const burnColumns: readonly Column<SloBurn>[] = [
  {
    header: 'Windows',
    isName: true,
    narrow: 'title',
    cell: (row) => (
      <span className="flex w-full flex-wrap items-center justify-between gap-2">
        <span>
          {formatSpan(row.longSeconds * 1_000)} and {formatSpan(row.shortSeconds * 1_000)}
        </span>
        <Badge tone={row.status === 'firing' ? (row.severity === 'page' ? 'bad' : 'warn') : 'idle'} icon={row.status === 'firing' ? 'flame' : 'dash'}>
          {row.status === 'firing' ? row.severity : row.status === 'no_data' ? 'no requests' : 'quiet'}
        </Badge>
      </span>
    ),
  },
  { header: 'Fires from', align: 'end', cell: (row) => `${formatNumber(row.factor)} ×` },
  { header: 'Long', align: 'end', cell: (row) => burn(row.longBurn, row.longRatio) },
  { header: 'Short', align: 'end', cell: (row) => burn(row.shortBurn, row.shortRatio) },
  { header: 'Bad', align: 'end', cell: (row) => `${formatCount(row.bad)} of ${formatCount(row.valid)}` },
  { header: 'Held back', narrow: 'wide', cell: (row) => (row.held === null ? '–' : <Raw max={200}>{row.held}</Raw>) },
];

function burn(rate: number | null, ratio: number | null) {
  if (rate === null) return '–';
  return (
    <span className="leading-4">
      {formatNumber(rate)} ×<span className="block text-xs text-ink-3">{formatRatio(ratio)}</span>
    </span>
  );
}
