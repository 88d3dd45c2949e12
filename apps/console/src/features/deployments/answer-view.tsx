import Link from 'next/link';
import { CopyIcon } from '@/components/copy';
import { Badge } from '@/components/status';
import { Raw } from '@/components/text';
import type { PredictAnswer } from '@/lib/api/predict.client';
import { formatSeconds } from '@/lib/text/format-number';
import { formatClock } from '@/lib/time/format-time';
import { type AnswerTensor, readAnswer, readError } from './read-answer';

export interface Sent {
  readonly at: number;
  readonly answer: PredictAnswer;
}

const valuesShown = 24;

/** One answer: who served it, what it says. */
export function AnswerView({ sent, isLatest }: { readonly sent: Sent; readonly isLatest: boolean }) {
  const { answer } = sent;
  const read = answer.status === 200 ? readAnswer(answer.text) : undefined;
  return (
    <li className="flex flex-col gap-2 px-4 py-3 text-[0.8125rem]" data-testid={isLatest ? 'latest-answer' : undefined}>
      <div className="flex flex-wrap items-center justify-between gap-2">
        <span className="flex flex-wrap items-center gap-2">
          {answer.status === 200 ? (
            <Badge tone="ok" icon="check-circle">
              Version {read?.version ?? '?'}
            </Badge>
          ) : (
            <Badge tone="bad" icon="x-circle">
              {answer.status}
            </Badge>
          )}
          <span className="text-ink-3">{formatSeconds(answer.durationMs / 1_000)} round trip</span>
        </span>
        <time className="text-xs text-ink-3" dateTime={new Date(sent.at).toISOString()}>
          {formatClock(sent.at)}
        </time>
      </div>
      {answer.status === 200 ? (
        read?.outputs.map((tensor) => <Tensor key={tensor.name} tensor={tensor} />)
      ) : (
        <p className="raw text-bad">{readError(answer.text)}</p>
      )}
      {answer.status === 200 && read === undefined && <p className="text-ink-2">The answer could not be read as an inference answer.</p>}
      {answer.predictionId !== null && (
        <p className="flex flex-wrap items-center gap-1 text-xs text-ink-3">
          prediction
          <Link href={`/predictions/${encodeURIComponent(answer.predictionId)}`} className="link inline-flex min-h-6 items-center font-mono">
            {answer.predictionId}
          </Link>
          <CopyIcon text={answer.predictionId} label="Copy the prediction id" />
          {answer.errorCode !== null && <span>{answer.errorCode}</span>}
        </p>
      )}
    </li>
  );
}

function Tensor({ tensor }: { readonly tensor: AnswerTensor }) {
  const shown = tensor.values.slice(0, valuesShown);
  return (
    <div className="code px-2.5 py-1.5">
      <span className="text-ink-3">
        <Raw max={60}>{tensor.name}</Raw> {tensor.datatype}[{tensor.shape.join(',')}]
      </span>
      <span className="block font-medium">
        <Raw max={600}>{shown.join(', ')}</Raw>
        {tensor.count > shown.length && <span className="font-normal text-ink-3"> … {tensor.count} values</span>}
      </span>
    </div>
  );
}
