'use client';

import type { InstanceView, ResourceSeries } from '@slipway/contracts';
import type { ChartMarker, ChartSeries } from '@/components/charts/chart-props';
import { Stat, StatRow } from '@/components/charts/stat';
import { TimeChart } from '@/components/charts/time-chart';
import { Empty, Loading, QueryView } from '@/components/faces';
import { Panel } from '@/components/panel';
import { Badge, Status } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { useDeployment, useResources } from '@/lib/api/deployments';
import { chartRows } from '@/lib/charts/chart-rows';
import { summarise } from '@/lib/charts/summarise';
import { formatBytes, formatBytesRate, formatCount, formatNumber, formatRatio } from '@/lib/text/format-number';
import { useRange } from '@/lib/use-range';
import { runsOn } from './runs-on';
import { TabBar } from './tab-bar';
import { useMarkers } from './use-markers';

/** What the instances use: processor, memory, disk. */
export function Resources({ name }: { readonly name: string }) {
  const range = useRange();
  const series = useResources(name, range);
  const markers = useMarkers(name);
  const instances = useDeployment(name).data?.instances ?? [];
  return (
    <>
      <TabBar markers={markers} range={range} />
      <QueryView query={series} loading={<Loading rows={8} />}>
        {(data) => (data.total.length > 0 ? <Charts data={data} markers={markers} /> : <NoData />)}
      </QueryView>
      <Panel title="Instances" note="one process per loaded copy" className="mt-4 overflow-hidden">
        {instances.length === 0 ? (
          <p className="p-4 text-[0.8125rem] text-ink-3">None at the moment.</p>
        ) : (
          <Table caption="Instances" columns={columns} rows={instances} rowKey={(row) => row.id} />
        )}
      </Panel>
    </>
  );
}

function NoData() {
  return (
    <div className="card">
      <Empty icon="host" title="Nothing measured in this window">
        Figures come from the operating system every few seconds while an instance of this deployment is up.
      </Empty>
    </div>
  );
}

const cpu: readonly ChartSeries[] = [{ key: 'cpu', label: 'CPU', color: 'var(--chart-1)', kind: 'area' }];
const memory: readonly ChartSeries[] = [
  { key: 'memory', label: 'memory', color: 'var(--chart-3)', kind: 'area' },
  { key: 'limit', label: 'limit', color: 'var(--chart-2)', dash: '4 3' },
];
const operations: readonly ChartSeries[] = [
  { key: 'reads', label: 'reads', color: 'var(--chart-1)' },
  { key: 'writes', label: 'writes', color: 'var(--chart-2)', dash: '4 3' },
];
const throttling: readonly ChartSeries[] = [{ key: 'throttled', label: 'throttled', color: 'var(--chart-4)', kind: 'area' }];
const disk: readonly ChartSeries[] = [
  { key: 'read', label: 'read', color: 'var(--chart-1)' },
  { key: 'written', label: 'written', color: 'var(--chart-2)', dash: '4 3' },
];
const processes: readonly ChartSeries[] = [
  { key: 'threads', label: 'threads', color: 'var(--chart-5)' },
  { key: 'files', label: 'open files', color: 'var(--chart-4)', dash: '4 3' },
];

function percent(value: number): string {
  return `${formatNumber(value)} %`;
}

function Charts({ data, markers }: { readonly data: ResourceSeries; readonly markers: readonly ChartMarker[] }) {
  const rows = chartRows(data, data.total, (point) => ({
    cpu: point.cpuCores === null ? null : point.cpuCores * 100,
    memory: point.memoryBytes,
    limit: point.memoryLimitBytes,
    reads: point.readsPerSecond,
    writes: point.writesPerSecond,
    throttled: point.throttledRatio,
    read: point.readBytesPerSecond,
    written: point.writtenBytesPerSecond,
    threads: point.threads,
    files: point.openFiles,
  }));
  const last = data.total.findLast((point) => point.memoryBytes !== null);
  return (
    <>
      <StatRow>
        <Stat name="CPU" value={last?.cpuCores == null ? '–' : percent(last.cpuCores * 100)} note="100 % is one core" />
        <Stat name="Memory" value={formatBytes(last?.memoryBytes)} note="resident, all instances" />
        <Stat name="Disk read" value={formatBytesRate(last?.readBytesPerSecond)} />
        <Stat name="Disk written" value={formatBytesRate(last?.writtenBytesPerSecond)} />
        <Stat name="Threads" value={formatCount(last?.threads)} note={`${formatCount(last?.openFiles)} open files`} />
        <Stat name="Instances" value={formatCount(last?.instances)} note={data.reduced ? 'reduced set of figures' : undefined} />
      </StatRow>
      <div className="grid gap-4 xl:grid-cols-2">
        <TimeChart
          title="CPU"
          unit="100 % is one core"
          rows={rows}
          series={cpu}
          format={percent}
          markers={markers}
          summary={summarise(rows, 'cpu', 'CPU', percent)}
        />
        <TimeChart
          title="Memory"
          unit="resident"
          rows={rows}
          series={data.total.some((point) => point.memoryLimitBytes !== null) ? memory : memory.slice(0, 1)}
          format={formatBytes}
          markers={markers}
          summary={summarise(rows, 'memory', 'Memory', formatBytes)}
        />
        <TimeChart
          title="Disk"
          unit="per second"
          rows={rows}
          series={disk}
          format={formatBytes}
          markers={markers}
          summary={`${summarise(rows, 'read', 'Read per second', formatBytes)} ${summarise(rows, 'written', 'Written per second', formatBytes)}`}
        />
        <TimeChart
          title="Operations"
          unit="read and write calls per second"
          rows={rows}
          series={operations}
          format={formatNumber}
          markers={markers}
          summary={`${summarise(rows, 'reads', 'Reads per second', formatNumber)} ${summarise(rows, 'writes', 'Writes per second', formatNumber)}`}
        />
        {data.total.some((point) => (point.throttledRatio ?? 0) > 0) && (
          <TimeChart
            title="Throttling"
            unit="of the time, kept away from a processor by its quota"
            rows={rows}
            series={throttling}
            format={formatRatio}
            markers={markers}
            summary={summarise(rows, 'throttled', 'Throttled', formatRatio)}
          />
        )}
        <TimeChart
          title="Threads and files"
          unit="count"
          rows={rows}
          series={processes}
          format={formatCount}
          markers={markers}
          summary={`${summarise(rows, 'threads', 'Threads', formatCount)} ${summarise(rows, 'files', 'Open files', formatCount)}`}
        />
      </div>
    </>
  );
}

const columns: readonly Column<InstanceView>[] = [
  {
    header: 'Instance',
    isName: true,
    narrow: 'title',
    cell: (row) => (
      <span className="flex w-full items-center justify-between gap-3 md:justify-start">
        <code className="font-mono text-xs">{row.id}</code>
        <Status value={row.status} title={row.reason ?? undefined} />
      </span>
    ),
  },
  { header: 'Serves', className: 'md:whitespace-nowrap', cell: (row) => `v${row.version}, revision ${row.revision}` },
  { header: 'Host', cell: (row) => <Raw max={40}>{row.host}</Raw> },
  { header: 'Process', align: 'end', cell: (row) => row.pid ?? '–' },
  { header: 'Runs on', narrow: 'wide', cell: (row) => <RunsOn instance={row} /> },
  { header: 'Restarts', align: 'end', cell: (row) => <span className={row.restarts > 0 ? 'font-medium text-warn' : ''}>{row.restarts}</span> },
  { header: 'Ready since', cell: (row) => (row.readyAt === null ? '–' : <Ago at={row.readyAt} />) },
  {
    header: 'Note',
    narrow: 'wide',
    cell: (row) => (row.reason === null ? <span className="text-ink-3 max-md:hidden">–</span> : <Raw max={160}>{row.reason}</Raw>),
  },
];

function RunsOn({ instance }: { readonly instance: InstanceView }) {
  const { provider, isFallback, limits, limitedBy, notes } = runsOn(instance);
  if (provider === undefined && limits === undefined) return <span className="text-ink-3">–</span>;
  return (
    <span className="flex flex-col items-start gap-0.5 leading-4">
      {provider !== undefined && (
        <Badge tone={isFallback ? 'warn' : 'idle'} icon={isFallback ? 'alert' : undefined}>
          {provider}
        </Badge>
      )}
      {limits !== undefined && (
        <span className="text-xs whitespace-nowrap text-ink-3" title={limitedBy}>
          {limits}
        </span>
      )}
      {notes.map((note) => (
        <span key={note} className="text-xs text-ink-2">
          <Raw max={160}>{note}</Raw>
        </span>
      ))}
    </span>
  );
}
