'use client';

import { useId, useState } from 'react';
import { Area, CartesianGrid, ComposedChart, Line, ReferenceLine, ResponsiveContainer, Tooltip, XAxis, YAxis } from 'recharts';
import { formatTick } from '@/lib/time/format-time';
import type { ChartMarker, ChartSeries, TimeChartProps } from './chart-props';
import { ChartTable } from './chart-table';
import { ChartTooltip } from './chart-tooltip';
import { placeMarkers } from './place-markers';

const axisText = { fontSize: 11, fill: 'var(--ink-3)' };

/** A chart over time with a legend, markers of changes, a sentence that says what it shows, and the same data as a table. */
export function TimeChart(props: TimeChartProps) {
  const [asTable, setAsTable] = useState(false);
  const id = useId();
  const hasData = props.rows.some((row) => props.series.some((series) => row.values[series.key] !== undefined && row.values[series.key] !== null));
  return (
    <figure aria-labelledby={id} className="card min-w-0 px-4 pt-3 pb-2">
      <figcaption className="flex min-h-7 flex-wrap items-center justify-between gap-x-3">
        <span id={id} className="text-[0.8125rem] font-semibold">
          {props.title} <span className="font-normal text-ink-3">{props.unit}</span>
        </span>
        <span className="flex items-center gap-3">
          {props.series.filter((series) => series.kind !== 'band').length > 1 && <Legend series={props.series} />}
          <button
            type="button"
            aria-pressed={asTable}
            onClick={() => setAsTable(!asTable)}
            className="min-h-6 rounded px-1.5 text-xs text-ink-3 hover:bg-hover hover:text-ink max-md:min-h-9"
          >
            {asTable ? 'Chart' : 'Table'}
          </button>
        </span>
      </figcaption>
      <p className="sr-only">{props.summary}</p>
      {asTable ? <ChartTable {...props} /> : hasData ? <Plot {...props} /> : <NoData height={props.height} />}
    </figure>
  );
}

function NoData({ height = 168 }: { readonly height?: number | undefined }) {
  return (
    <p className="flex items-center justify-center text-[0.8125rem] text-ink-3" style={{ height }}>
      No data in this window
    </p>
  );
}

function Legend({ series }: { readonly series: readonly ChartSeries[] }) {
  return (
    <ul className="flex flex-wrap items-center gap-x-3 text-xs text-ink-2">
      {series
        .filter((each) => each.kind !== 'band')
        .map((each) => (
          <li key={each.key} className="flex items-center gap-1.5">
            <svg width="16" height="8" aria-hidden="true">
              <line x1="0" x2="16" y1="4" y2="4" stroke={each.color} strokeWidth="2.25" strokeDasharray={each.dash} />
            </svg>
            {each.label}
          </li>
        ))}
    </ul>
  );
}

function Plot({ title, rows, series, format, markers = [], yMax = 'auto', yMin = 0, height = 168 }: TimeChartProps) {
  const data = rows.map((row) => ({ at: row.at, ...row.values }));
  const first = rows[0]?.at ?? 0;
  const last = rows.at(-1)?.at ?? 1;
  const rangeSeconds = (last - first) / 1_000;
  return (
    <div className="mt-2 -ml-1" style={{ height }}>
      <ResponsiveContainer width="100%" height="100%" initialDimension={{ width: 480, height }}>
        <ComposedChart data={data} syncId="time" syncMethod="value" margin={{ top: 14, right: 6, bottom: 0, left: 0 }} title={title}>
          <CartesianGrid vertical={false} stroke="var(--grid)" />
          <XAxis
            dataKey="at"
            type="number"
            scale="time"
            domain={[first, last]}
            tickFormatter={(at: number) => formatTick(at, rangeSeconds)}
            tick={axisText}
            tickLine={false}
            axisLine={{ stroke: 'var(--line-strong)' }}
            minTickGap={48}
          />
          <YAxis
            width={56}
            domain={[yMin, yMax]}
            tickFormatter={(value: number) => format(value).replaceAll(' ', '\u00a0')}
            tick={axisText}
            tickLine={false}
            axisLine={false}
            tickCount={yMax === 1 ? 3 : 4}
          />
          <Tooltip
            isAnimationActive={false}
            cursor={{ stroke: 'var(--ink-3)', strokeDasharray: '3 3' }}
            content={<ChartTooltip series={series} format={format} />}
          />
          {placeMarkers(markers, first, last).map(({ marker, side }) => (
            <ReferenceLine
              key={`${marker.kind}-${marker.at}`}
              x={marker.at}
              stroke={marker.kind === 'rollback' ? 'var(--warn)' : 'var(--ink-2)'}
              strokeDasharray={marker.kind === 'rollback' ? '2 2' : '5 3'}
              {...(side !== undefined && { label: { value: markerText(marker), position: side, fontSize: 10, fill: 'var(--ink-2)', dy: -14 } })}
            />
          ))}
          {series.map(drawn)}
        </ComposedChart>
      </ResponsiveContainer>
    </div>
  );
}

function markerText(marker: ChartMarker): string {
  return marker.kind === 'rollback' ? `↩ ${marker.label}` : `▲ ${marker.label}`;
}

function drawn(series: ChartSeries) {
  const shared = {
    key: series.key,
    dataKey: series.key,
    name: series.label,
    isAnimationActive: false,
    connectNulls: false,
    stroke: series.color,
  } as const;
  if (series.kind === 'band')
    return (
      <Area {...shared} key={series.key} type="linear" stroke="none" fill={series.color} fillOpacity={0.14} activeDot={false} tooltipType="none" />
    );
  if (series.kind === 'area')
    return (
      <Area
        {...shared}
        key={series.key}
        type="linear"
        strokeWidth={1.5}
        fill={series.color}
        fillOpacity={0.14}
        dot={isolatedDot(series)}
        activeDot={{ r: 3 }}
        {...(series.stack !== undefined && { stackId: series.stack })}
      />
    );
  return (
    <Line
      {...shared}
      key={series.key}
      type="linear"
      strokeWidth={1.75}
      dot={isolatedDot(series)}
      activeDot={{ r: 3 }}
      {...(series.dash !== undefined && { strokeDasharray: series.dash })}
    />
  );
}

interface DotProps {
  readonly cx?: number;
  readonly cy?: number | null;
  readonly index?: number;
  readonly points?: readonly { readonly y?: number | null }[];
}

/** A value between two gaps has no line to either side; without a dot it would not be seen. */
function isolatedDot(series: ChartSeries) {
  return function Isolated({ cx, cy, index = 0, points = [] }: DotProps) {
    const alone = typeof cy === 'number' && typeof points[index - 1]?.y !== 'number' && typeof points[index + 1]?.y !== 'number';
    return alone ? <circle key={index} cx={cx} cy={cy} r={2} fill={series.color} /> : <g key={index} />;
  };
}
