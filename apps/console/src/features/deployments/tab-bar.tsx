import type { ChartMarker } from '@/components/charts/chart-props';
import { RangePicker } from '@/components/range-picker';
import { formatMoment } from '@/lib/time/format-time';
import type { RangePreset } from '@/lib/time/time-range';

interface TabBarProps {
  readonly markers?: readonly ChartMarker[];
  readonly range: RangePreset;
  readonly note?: string;
}

const shown = 4;

/** The time range, and in words the changes that the charts mark. */
export function TabBar({ markers = [], range, note }: TabBarProps) {
  const since = Date.now() - range.seconds * 1_000;
  const inside = markers.filter((marker) => marker.at >= since);
  return (
    <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
      <p className="text-xs text-ink-3">
        {note ??
          (inside.length === 0
            ? `No deploy or rollback in ${range.words}`
            : inside
                .slice(-shown)
                .map((marker) => `${marker.label} ${formatMoment(marker.at)}`)
                .join(' · '))}
      </p>
      <RangePicker />
    </div>
  );
}
