import { formatClock } from '../time/format-time';
import type { ChartRow } from './chart-rows';

/** What a chart shows, in a sentence for those who do not see it. */
export function summarise(rows: readonly ChartRow[], key: string, name: string, format: (value: number) => string): string {
  const seen = rows.flatMap((row) => {
    const value = row.values[key];
    return typeof value === 'number' ? [{ at: row.at, value }] : [];
  });
  const last = seen.at(-1);
  if (last === undefined) return `${name}: no data in this window.`;
  const high = seen.reduce((best, each) => (each.value > best.value ? each : best), last);
  const low = seen.reduce((best, each) => (each.value < best.value ? each : best), last);
  if (high.value === low.value) return `${name}: steady at ${format(last.value)}.`;
  return `${name}: last ${format(last.value)}; between ${format(low.value)} and ${format(high.value)}, highest at ${formatClock(high.at)}.`;
}
