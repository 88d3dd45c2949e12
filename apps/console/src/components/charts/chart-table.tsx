import { formatFull } from '@/lib/time/format-time';
import type { TimeChartProps } from './chart-props';

const rowsShown = 200;

/** The data of a chart as a table, newest first; steps without data are left out. */
export function ChartTable({ title, rows, series, format }: TimeChartProps) {
  const lines = series.filter((each) => each.kind !== 'band');
  const filled = rows.filter((row) => lines.some((each) => typeof row.values[each.key] === 'number')).toReversed();
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard.
    <section className="mt-2 h-[10.5rem] overflow-auto rounded border border-line" tabIndex={0} aria-label={`${title}, table`}>
      <table className="w-full text-xs">
        <thead className="sticky top-0 bg-sunken text-left text-ink-3">
          <tr>
            <th scope="col" className="px-2 py-1 font-medium">
              Time
            </th>
            {lines.map((each) => (
              <th key={each.key} scope="col" className="px-2 py-1 text-right font-medium">
                {each.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {filled.slice(0, rowsShown).map((row) => (
            <tr key={row.at} className="border-t border-line">
              <td className="px-2 py-1 whitespace-nowrap">{formatFull(row.at).split(' · ')[0]}</td>
              {lines.map((each) => {
                const value = row.values[each.key];
                return (
                  <td key={each.key} className="px-2 py-1 text-right">
                    {typeof value === 'number' ? format(value) : '–'}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {filled.length === 0 && <p className="p-3 text-center text-xs text-ink-3">No data in this window</p>}
    </section>
  );
}
