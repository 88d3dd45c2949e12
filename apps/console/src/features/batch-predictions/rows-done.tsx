import type { BatchPredictionView } from '@slipway/contracts';
import { ProgressBar } from '@/components/progress-bar';
import { formatCount, formatRatio } from '@/lib/text/format-number';

/** How many rows are done, with a bar while more are to come. */
export function RowsDone({ job }: { readonly job: BatchPredictionView }) {
  const { done, total } = job.rows;
  const text = total === null || total === done ? formatCount(done) : `${formatCount(done)} of ${formatCount(total)}`;
  if (job.finishedAt !== null) return <span>{text}</span>;
  return (
    <div className="flex w-full flex-col gap-1">
      <span className="flex justify-between gap-3">
        <span>{text}</span>
        <span className="text-ink-3">{formatRatio(job.progress)}</span>
      </span>
      <ProgressBar label="Rows done" share={job.progress} />
    </div>
  );
}
