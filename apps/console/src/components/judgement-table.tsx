import type { JudgementView } from '@slipway/contracts';
import { Folded } from '@/components/folded';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { Verdict } from '@/components/verdict';
import { formatCount, formatNumber } from '@/lib/text/format-number';

interface JudgementTableProps {
  readonly caption: string;
  readonly judgements: readonly JudgementView[];
  /** What the judged thing is called: "Feature", "Metric". */
  readonly what?: string;
}

/** Judgements, alarms first; each in a sentence and in numbers. Of many that are as they should be only some are shown at first. */
export function JudgementTable({ caption, judgements, what = 'What' }: JudgementTableProps) {
  const rows = [...judgements].sort(byVerdict);
  const loud = rows.filter((row) => row.verdict === 'alarm' || row.subject === '').length;
  return (
    <Folded rows={rows} first={Math.max(quiet, loud)}>
      {(shown) => <Table caption={caption} columns={columnsFor(what)} rows={shown} rowKey={keyOf} />}
    </Folded>
  );
}

/** Rows that are shown although nothing is wrong with them. */
const quiet = 6;

const order = { alarm: 0, ok: 1, insufficient: 2 } as const;

function byVerdict(a: JudgementView, b: JudgementView): number {
  const isPart = Number(a.subject !== '') - Number(b.subject !== '');
  return order[a.verdict] - order[b.verdict] || isPart || a.subject.localeCompare(b.subject) || (b.version ?? 0) - (a.version ?? 0);
}

function keyOf({ kind, subject, version, slice }: JudgementView): string {
  return JSON.stringify([kind, subject, version, slice]);
}

function columnsFor(what: string): readonly Column<JudgementView>[] {
  return [
    {
      header: what,
      isName: true,
      narrow: 'title',
      className: 'md:w-56',
      cell: (row) => (
        <span className="flex w-full flex-wrap items-center justify-between gap-2 md:flex-col md:items-start md:gap-1">
          <span>
            <Raw max={80}>{row.subject === '' ? 'As a whole' : row.subject}</Raw>
            {row.slice !== null && (
              <span className="block text-xs font-normal text-ink-3">
                where <Raw max={80}>{row.slice}</Raw>
              </span>
            )}
          </span>
          <Verdict value={row.verdict} />
        </span>
      ),
    },
    { header: 'In words', narrow: 'wide', cell: (row) => <Raw max={600}>{row.reason}</Raw> },
    {
      header: 'Value',
      align: 'end',
      cell: (row) => (
        <span className="leading-4">
          {formatNumber(row.value)}
          {row.interval !== null && (
            <span className="block text-xs whitespace-nowrap text-ink-3">
              {formatNumber(row.interval[0])} to {formatNumber(row.interval[1])}
            </span>
          )}
        </span>
      ),
    },
    { header: 'Limit', align: 'end', cell: (row) => formatNumber(row.threshold) },
    { header: 'Looked at', align: 'end', cell: (row) => formatCount(row.n) },
    { header: 'Version', align: 'end', cell: (row) => (row.version === null ? 'all' : `v${row.version}`) },
    { header: 'Window ended', align: 'end', narrow: 'hide', cell: (row) => <Ago at={row.to} /> },
  ];
}
