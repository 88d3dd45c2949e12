import type { GuardJudgement, GuardOutcome } from '@slipway/contracts';
import { Badge, type Tone } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Raw } from '@/components/text';
import { formatCount, formatNumber, formatRatio, formatSeconds } from '@/lib/text/format-number';

const looks: Readonly<Record<GuardOutcome, { readonly tone: Tone; readonly word: string }>> = {
  pass: { tone: 'ok', word: 'Pass' },
  fail: { tone: 'bad', word: 'Fail' },
  not_enough_evidence: { tone: 'idle', word: 'Not enough evidence' },
  common_fault: { tone: 'warn', word: 'Both are faulty' },
};

/** What each guard says, in a sentence and in numbers. */
export function JudgementList({ judgements }: { readonly judgements: readonly GuardJudgement[] }) {
  return <Table caption="Guards" columns={columns} rows={judgements} rowKey={(row) => row.guard} />;
}

const columns: readonly Column<GuardJudgement>[] = [
  {
    header: 'Guard',
    isName: true,
    narrow: 'title',
    className: 'md:w-56',
    cell: (row) => (
      <span className="flex w-full flex-wrap items-center justify-between gap-2 md:flex-col md:items-start md:gap-1">
        <Raw max={60}>{guardWords(row.guard)}</Raw>
        <Badge tone={looks[row.outcome].tone}>{looks[row.outcome].word}</Badge>
        {row.mode === 'watch' && <span className="text-xs font-normal text-ink-3">watched, decides nothing</span>}
      </span>
    ),
  },
  { header: 'In words', narrow: 'wide', cell: (row) => <Raw max={600}>{row.reason}</Raw> },
  { header: 'Candidate', align: 'end', cell: (row) => <Side side={row.candidate} unit={row.unit} /> },
  { header: 'Stable', align: 'end', cell: (row) => <Side side={row.stable} unit={row.unit} /> },
  {
    header: 'Difference',
    align: 'end',
    cell: (row) => (
      <span className="leading-4">
        {inUnit(row.value, row.unit)}
        {row.interval !== null && (
          <span className="block text-xs whitespace-nowrap text-ink-3">
            {inUnit(row.interval[0], row.unit)} to {inUnit(row.interval[1], row.unit)}
          </span>
        )}
      </span>
    ),
  },
  { header: 'Limit', align: 'end', cell: (row) => inUnit(row.threshold, row.unit) },
  {
    header: 'Still needed',
    align: 'end',
    narrow: 'hide',
    cell: (row) => (row.requestsNeeded === null ? '–' : row.requestsNeeded === 0 ? 'none' : formatCount(row.requestsNeeded)),
  },
];

function Side({ side, unit }: { readonly side: GuardJudgement['candidate']; readonly unit: string }) {
  return (
    <span className="leading-4">
      {inUnit(side.value, unit === 'ratio' ? 'plain' : unit)}
      <span className="block text-xs whitespace-nowrap text-ink-3">of {formatCount(side.n)}</span>
    </span>
  );
}

function inUnit(value: number | null, unit: string): string {
  if (value === null) return '–';
  if (unit === 'share') return formatRatio(value);
  if (unit === 'seconds') return formatSeconds(value);
  if (unit === 'ratio') return `${formatNumber(value)} ×`;
  return formatNumber(value);
}

/** `latency-p99` as people say it. */
function guardWords(guard: string): string {
  const [name = '', detail] = guard.split(':', 2);
  const text = name.replaceAll('-', ' ').replace(/^./, (first) => first.toUpperCase());
  return detail === undefined ? text : `${text}, ${detail.replace('=', ' ')}`;
}
