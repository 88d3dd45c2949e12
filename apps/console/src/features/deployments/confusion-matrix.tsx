import type { QualitySeries } from '@slipway/contracts';
import { Panel } from '@/components/panel';
import { Raw } from '@/components/text';
import { formatCount, formatRatio } from '@/lib/text/format-number';

const classesShown = 24;

/** Truth against prediction. The shade is the share within the true class, the number is the count. */
export function ConfusionMatrix({ confusion }: { readonly confusion: NonNullable<QualitySeries['confusion']> }) {
  const classes = confusion.classes.slice(0, classesShown);
  const hidden = confusion.classes.length - classes.length;
  return (
    <Panel
      title="Confusion"
      note={hidden > 0 ? `first ${classesShown} of ${confusion.classes.length} classes` : 'rows are the truth, columns the prediction'}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard. */}
      <section className="overflow-x-auto p-4" tabIndex={0} aria-label="Confusion matrix">
        <table className="text-xs">
          <caption className="sr-only">Rows are true classes, columns predicted ones</caption>
          <thead>
            <tr>
              <td />
              {classes.map((name) => (
                <th key={name} scope="col" className="px-2 pb-1.5 font-medium text-ink-3">
                  <Raw max={16}>{name}</Raw>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {classes.map((name, row) => (
              <Row key={name} name={name} counts={(confusion.counts[row] ?? []).slice(0, classesShown)} row={row} />
            ))}
          </tbody>
        </table>
      </section>
    </Panel>
  );
}

function Row({ name, counts, row }: { readonly name: string; readonly counts: readonly number[]; readonly row: number }) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  return (
    <tr>
      <th scope="row" className="pr-2 text-right font-medium text-ink-3">
        <Raw max={16}>{name}</Raw>
      </th>
      {counts.map((count, column) => {
        const share = all === 0 ? 0 : count / all;
        return (
          <td
            // biome-ignore lint/suspicious/noArrayIndexKey: a column is its index.
            key={column}
            title={`${formatRatio(share)} of the true class`}
            className={`h-11 min-w-16 border border-surface text-center ${row === column ? 'font-semibold' : ''}`}
            style={{ background: `color-mix(in srgb, var(${row === column ? '--chart-3' : '--chart-2'}) ${Math.round(share * 45)}%, var(--sunken))` }}
          >
            {formatCount(count)}
          </td>
        );
      })}
    </tr>
  );
}
