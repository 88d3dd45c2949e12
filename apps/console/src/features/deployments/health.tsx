'use client';

import type { ServingSeries } from '@slipway/contracts';
import type { ChartMarker, ChartSeries } from '@/components/charts/chart-props';
import { Stat, StatRow } from '@/components/charts/stat';
import { TimeChart } from '@/components/charts/time-chart';
import { Loading, QueryView } from '@/components/faces';
import { useDeployment, useServing } from '@/lib/api/deployments';
import { chartRows, mergeRows } from '@/lib/charts/chart-rows';
import { summarise } from '@/lib/charts/summarise';
import { formatCount, formatNumber, formatRate, formatRatio, formatSeconds, plural } from '@/lib/text/format-number';
import { useRange } from '@/lib/use-range';
import { Failures } from './failures';
import { NoTraffic } from './no-traffic';
import { Outcomes } from './outcomes';
import { TabBar } from './tab-bar';
import { useMarkers } from './use-markers';

/** How the deployment serves: traffic, latency, failures, waiting. */
export function Health({ name }: { readonly name: string }) {
  const range = useRange();
  const series = useServing(name, range);
  const markers = useMarkers(name);
  return (
    <>
      <TabBar markers={markers} range={range} />
      <QueryView query={series} loading={<Loading rows={8} />}>
        {(data) =>
          data.total.some((point) => point.requests > 0) ? (
            <Charts data={data} markers={markers} words={range.words} />
          ) : (
            <Nothing name={name} words={range.words} />
          )
        }
      </QueryView>
      <Failures name={name} />
    </>
  );
}

function Nothing({ name, words }: { readonly name: string; readonly words: string }) {
  const signature = useDeployment(name).data?.signature ?? null;
  return <NoTraffic name={name} signature={signature} words={words} />;
}

interface ChartsProps {
  readonly data: ServingSeries;
  readonly markers: readonly ChartMarker[];
  readonly words: string;
}

const latencySeries: readonly ChartSeries[] = [
  { key: 'p50', label: 'p50', color: 'var(--chart-3)' },
  { key: 'p95', label: 'p95', color: 'var(--chart-1)' },
  { key: 'p99', label: 'p99', color: 'var(--chart-2)', dash: '4 3' },
];
const waitSeries: readonly ChartSeries[] = [
  { key: 'queue', label: 'queue p95', color: 'var(--chart-2)', dash: '4 3' },
  { key: 'compute', label: 'compute p95', color: 'var(--chart-1)' },
];
const errorSeries: readonly ChartSeries[] = [{ key: 'errors', label: 'error share', color: 'var(--chart-2)', kind: 'area' }];

function Charts({ data, markers, words }: ChartsProps) {
  const versions = versionSeries(data);
  const requests = mergeRows([
    chartRows(data, data.total, (point) => ({ total: point.requestsPerSecond })),
    ...data.versions.map((each) => chartRows(data, each.points, (point) => ({ [`v${each.version}`]: point.requestsPerSecond }))),
  ]);
  const latency = chartRows(data, data.total, (point) => ({ p50: point.p50, p95: point.p95, p99: point.p99 }));
  const errors = chartRows(data, data.total, (point) => ({ errors: point.errorRatio }));
  const waits = chartRows(data, data.total, (point) => ({ queue: point.queueP95, compute: point.computeP95 }));
  const all = data.total.reduce((sum, point) => sum + point.requests, 0);
  const failed = data.total.reduce((sum, point) => sum + point.errors, 0);
  const last = data.total.findLast((point) => point.p95 !== null);
  return (
    <>
      <StatRow>
        <Stat name="Requests" value={formatCount(all)} note={words} />
        <Stat name="Rows predicted" value={formatCount(data.total.reduce((sum, point) => sum + point.rows, 0))} note={words} />
        <Stat
          name="Error share"
          value={<span className={failed > 0 ? 'text-bad' : ''}>{formatRatio(all === 0 ? null : failed / all)}</span>}
          note={plural(failed, 'failure')}
        />
        <Stat name="p50" value={formatSeconds(last?.p50)} note="latest step" />
        <Stat name="p95" value={formatSeconds(last?.p95)} note="latest step" />
        <Stat name="p99" value={formatSeconds(last?.p99)} note="latest step" />
      </StatRow>
      <div className="grid gap-4 xl:grid-cols-2">
        <TimeChart
          title="Requests"
          unit="per second, by version"
          rows={requests}
          series={versions}
          format={formatNumber}
          markers={markers}
          summary={summarise(requests, 'total', 'Requests per second', formatRate)}
        />
        <TimeChart
          title="Latency"
          unit="whole request"
          rows={latency}
          series={latencySeries}
          format={formatSeconds}
          markers={markers}
          summary={`${summarise(latency, 'p50', 'p50', formatSeconds)} ${summarise(latency, 'p95', 'p95', formatSeconds)} ${summarise(latency, 'p99', 'p99', formatSeconds)}`}
        />
        <TimeChart
          title="Error share"
          unit="of all requests"
          rows={errors}
          series={errorSeries}
          format={formatRatio}
          markers={markers}
          summary={summarise(errors, 'errors', 'Error share', formatRatio)}
          {...(failed === 0 && { yMax: 0.01 })}
        />
        <TimeChart
          title="Waiting and computing"
          unit="p95"
          rows={waits}
          series={waitSeries}
          format={formatSeconds}
          markers={markers}
          summary={`${summarise(waits, 'queue', 'Queue wait, p95', formatSeconds)} ${summarise(waits, 'compute', 'Compute, p95', formatSeconds)}`}
        />
      </div>
      <Outcomes points={data.total} />
    </>
  );
}

function versionSeries(data: ServingSeries): readonly ChartSeries[] {
  if (data.versions.length === 0) return [{ key: 'total', label: 'all', color: 'var(--chart-1)', kind: 'area' }];
  return data.versions.map((each, index) => ({
    key: `v${each.version}`,
    label: `v${each.version}`,
    color: `var(--chart-${(index % 6) + 1})`,
    kind: 'area',
    stack: 'versions',
  }));
}
