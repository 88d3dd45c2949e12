'use client';

import { Sparkline } from '@/components/charts/sparkline';
import { useResources, useServing } from '@/lib/api/deployments';
import { chartRows } from '@/lib/charts/chart-rows';
import { loadOf } from '@/lib/charts/recent-load';
import { formatBytes, formatNumber, formatRate, formatRatio, formatSeconds } from '@/lib/text/format-number';
import { shortRange } from '@/lib/time/time-range';

/** Requests per second now, and the line of the last 15 minutes. */
export function TrafficLine({ name }: { readonly name: string }) {
  const { data } = useServing(name, shortRange);
  if (data === undefined) return <span className="skeleton block h-6 w-36" />;
  const load = loadOf(data.total);
  const values = chartRows(data, data.total, (point) => ({ rate: point.requestsPerSecond })).map((row) => row.values['rate']);
  const now = load === undefined ? 'no traffic' : formatRate(load.requestsPerSecond);
  return (
    <span className="flex items-center gap-3">
      <Sparkline
        values={values.map((value) => (typeof value === 'number' ? value : null))}
        label={`Requests per second over the last 15 minutes, now ${now}`}
      />
      <span className={load === undefined ? 'text-ink-3' : ''}>{now}</span>
    </span>
  );
}

/** From this share of failed requests on the figure is drawn as trouble. */
const troubleRatio = 0.01;

interface LiveFigureProps {
  readonly name: string;
  readonly kind: 'p95' | 'errors' | 'cpu' | 'memory';
}

/** One figure of the last 15 minutes. */
export function LiveFigure({ name, kind }: LiveFigureProps) {
  const isServing = kind === 'p95' || kind === 'errors';
  const serving = useServing(name, shortRange, { enabled: isServing });
  const resources = useResources(name, shortRange, { enabled: !isServing });
  if (isServing) {
    if (serving.data === undefined) return <Waiting failed={serving.isError} />;
    const load = loadOf(serving.data.total);
    if (kind === 'p95') return formatSeconds(load?.p95);
    return (
      <span className={load !== undefined && load.errorRatio >= troubleRatio ? 'font-medium text-bad' : ''}>{formatRatio(load?.errorRatio)}</span>
    );
  }
  if (resources.data === undefined) return <Waiting failed={resources.isError} />;
  const last = resources.data.total.findLast((point) => point.cpuCores !== null || point.memoryBytes !== null);
  if (kind === 'memory') return formatBytes(last?.memoryBytes);
  return last?.cpuCores === undefined || last.cpuCores === null ? '–' : `${formatNumber(last.cpuCores * 100)} %`;
}

function Waiting({ failed }: { readonly failed: boolean }) {
  return failed ? <span title="Could not be loaded">–</span> : <span className="skeleton inline-block h-4 w-12" />;
}
