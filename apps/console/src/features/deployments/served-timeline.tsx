'use client';

import type { ServingSeries } from '@slipway/contracts';
import { Loading, QueryView } from '@/components/faces';
import { Panel } from '@/components/panel';
import { RangePicker } from '@/components/range-picker';
import { useServing } from '@/lib/api/deployments';
import { formatCount } from '@/lib/text/format-number';
import { formatMoment } from '@/lib/time/format-time';
import { useRange } from '@/lib/use-range';
import { servedSpans } from './served-spans';

/** A lane per version, filled where it answered: taken from the answers themselves, not from what was wished. */
export function ServedTimeline({ name }: { readonly name: string }) {
  const range = useRange();
  const series = useServing(name, range);
  return (
    <Panel title="Which version served when" note={`from the answers of ${range.words}`} actions={<RangePicker />}>
      <QueryView query={series} loading={<Loading rows={3} />}>
        {(data) => <Lanes data={data} />}
      </QueryView>
    </Panel>
  );
}

function Lanes({ data }: { readonly data: ServingSeries }) {
  const from = Date.parse(data.from);
  const length = Date.parse(data.to) - from;
  const lanes = data.versions
    .map((each) => ({
      version: each.version,
      spans: servedSpans(each.points, data.stepSeconds),
      requests: each.points.reduce((sum, point) => sum + point.requests, 0),
    }))
    .filter((lane) => lane.spans.length > 0);
  if (lanes.length === 0) return <p className="p-4 text-[0.8125rem] text-ink-3">No version answered a request in this window.</p>;
  return (
    <div className="p-4">
      <ul className="flex flex-col gap-2">
        {lanes.map((lane, index) => (
          <li key={lane.version} className="grid grid-cols-[2.5rem_1fr_auto] items-center gap-3 text-[0.8125rem]">
            <span className="font-medium">v{lane.version}</span>
            <svg
              viewBox="0 0 1000 10"
              preserveAspectRatio="none"
              className="h-3 w-full rounded-sm bg-sunken"
              role="img"
              aria-label={lane.spans.map((span) => `from ${formatMoment(span.from)} to ${formatMoment(span.to)}`).join(', ')}
            >
              {lane.spans.map((span) => (
                <rect
                  key={span.from}
                  x={((span.from - from) / length) * 1000}
                  width={Math.max(3, ((span.to - span.from) / length) * 1000)}
                  y="0"
                  height="10"
                  fill={`var(--chart-${(index % 6) + 1})`}
                />
              ))}
            </svg>
            <span className="min-w-16 text-right text-xs text-ink-3">{formatCount(lane.requests)}</span>
          </li>
        ))}
      </ul>
      <p className="mt-2 flex justify-between pr-19 pl-13 text-xs text-ink-3">
        <span>{formatMoment(from)}</span>
        <span>now</span>
      </p>
    </div>
  );
}
