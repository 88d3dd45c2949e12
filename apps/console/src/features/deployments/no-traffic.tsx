import type { Signature } from '@slipway/contracts';
import { ButtonLink } from '@/components/button';
import { CodeBlock } from '@/components/copy';
import { Empty } from '@/components/faces';
import { curlPredict } from './predict-snippets';
import { sampleRequest } from './sample-request';

interface NoTrafficProps {
  readonly name: string;
  readonly signature: Signature | null;
  readonly words: string;
}

/** The empty face of the charts: how to send the first request. */
export function NoTraffic({ name, signature, words }: NoTrafficProps) {
  const sample = signature === null ? undefined : sampleRequest(signature);
  return (
    <div className="card">
      <Empty
        icon="send"
        title={`No request in ${words}`}
        action={
          <ButtonLink kind="primary" icon="send" href={`/deployments/${encodeURIComponent(name)}/predict`}>
            Open the playground
          </ButtonLink>
        }
      >
        Charts appear a few seconds after the first prediction. From a terminal:
      </Empty>
      {sample !== undefined && !sample.isLarge && (
        <div className="mx-auto max-w-[48rem] px-4 pb-6">
          <CodeBlock label="curl command" text={curlPredict({ origin: origin(), deployment: name }, [], sample.text)} />
        </div>
      )}
    </div>
  );
}

function origin(): string {
  return typeof window === 'undefined' ? '' : window.location.origin;
}
