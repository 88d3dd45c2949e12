'use client';

import type { NoisePoint, NoiseProbe, NoiseProbeSeries, NoiseSeries } from '@slipway/contracts';
import type { ChartSeries } from '@/components/charts/chart-props';
import { Stat, StatRow } from '@/components/charts/stat';
import { TimeChart } from '@/components/charts/time-chart';
import { Empty, Loading, QueryView } from '@/components/faces';
import { JudgementTable } from '@/components/judgement-table';
import { Panel } from '@/components/panel';
import { TabBar } from '@/features/deployments/tab-bar';
import { useNoise } from '@/lib/api/watch';
import { chartRows } from '@/lib/charts/chart-rows';
import { summarise } from '@/lib/charts/summarise';
import { formatCount, formatNumber, formatRatio } from '@/lib/text/format-number';
import { useRange } from '@/lib/use-range';

const words: Readonly<Record<NoiseProbe, { readonly title: string; readonly unit: string }>> = {
  repeat: { title: 'Repeat', unit: 'the same input again in one instance' },
  replica: { title: 'Replica', unit: 'the same input in every instance' },
  jitter: { title: 'Jitter', unit: 'numbers disturbed a little' },
  version: { title: 'Version', unit: 'the same input in two versions' },
  natural: { title: 'Natural repeats', unit: 'inputs that callers sent more than once' },
};

const series: readonly ChartSeries[] = [
  { key: 'p50', label: 'p50', color: 'var(--chart-3)' },
  { key: 'p95', label: 'p95', color: 'var(--chart-1)' },
  { key: 'baseline', label: 'p95 at the start', color: 'var(--chart-2)', dash: '4 3' },
];

/** How much answers to the same input differ, measured five ways. */
export function Noise({ name }: { readonly name: string }) {
  const range = useRange();
  const query = useNoise(name, range);
  return (
    <>
      <TabBar range={range} note="Spread of the answers to one input, relative to the answer. A model without randomness has none." />
      <QueryView query={query} loading={<Loading rows={8} />}>
        {(data) => <Measured data={data} />}
      </QueryView>
    </>
  );
}

function Measured({ data }: { readonly data: NoiseSeries }) {
  const seen = data.probes.filter((probe) => probe.points.some((point) => point.n > 0));
  const { budget } = data;
  return (
    <>
      <StatRow>
        <Stat name="Requests" value={formatCount(budget.requests)} note="of callers" />
        <Stat name="Extra runs" value={formatCount(budget.extraRuns)} note={`${formatCount(budget.canaryRuns)} of them on kept inputs`} />
        <Stat name="Share" value={formatRatio(budget.ratio)} note={`at most ${formatNumber(budget.percent)} %`} />
        <Stat name="Measurements" value={formatCount(seen.reduce((sum, probe) => sum + measurementsOf(probe), 0))} />
      </StatRow>
      {seen.length === 0 ? (
        <div className="card">
          <Empty icon="list" title={data.off === null ? 'Nothing measured in this window' : 'Noise is not measured'}>
            {data.off ?? 'Probes ride along with live requests, behind all of them, and cost at most one run in a hundred.'}
          </Empty>
        </div>
      ) : (
        <div className="grid gap-4 xl:grid-cols-2">
          {seen.map((probe) => (
            <ProbeChart key={`${probe.probe} ${probe.version}`} data={data} probe={probe} />
          ))}
        </div>
      )}
      {data.judgements.length > 0 && (
        <Panel title="Judgements" className="mt-4 overflow-hidden">
          <JudgementTable caption="Noise, judged" judgements={data.judgements} what="Probe" />
        </Panel>
      )}
    </>
  );
}

function measurementsOf(probe: NoiseProbeSeries): number {
  return probe.points.reduce((sum, point) => sum + point.n, 0);
}

function ProbeChart({ data, probe }: { readonly data: NoiseSeries; readonly probe: NoiseProbeSeries }) {
  const { title, unit } = words[probe.probe];
  const baseline = probe.baseline?.p95 ?? null;
  const rows = chartRows(data, probe.points, ({ p50, p95 }: NoisePoint) => ({ p50, p95, baseline }));
  const flips = probe.points.findLast((point) => point.flipRatio !== null)?.flipRatio;
  const also = flips == null ? '' : ` Other labels in ${formatRatio(flips)} of the answers of the latest step.`;
  return (
    <TimeChart
      title={`${title}, v${probe.version}`}
      unit={unit}
      rows={rows}
      series={baseline === null ? series.slice(0, 2) : series}
      format={formatNumber}
      summary={`${summarise(rows, 'p95', `${title} p95`, formatNumber)}${also}`}
    />
  );
}
