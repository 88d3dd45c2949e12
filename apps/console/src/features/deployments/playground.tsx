'use client';

import type { DeploymentView } from '@slipway/contracts';
import { useState } from 'react';
import { Button } from '@/components/button';
import { Empty, Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { Panel } from '@/components/panel';
import { useDeployment } from '@/lib/api/deployments';
import { type PredictAnswer, predict } from '@/lib/api/predict.client';
import { AnswerView, type Sent } from './answer-view';
import { CallIt } from './call-it';
import { sampleRequest } from './sample-request';

const answersKept = 6;
/** A longer request is not repeated in the examples. */
const shownCharacters = 100_000;

/** Send a request, see what comes back and from which version. */
export function Playground({ name }: { readonly name: string }) {
  const deployment = useDeployment(name).data;
  if (deployment === undefined) return null;
  if (deployment.signature === null) {
    return (
      <div className="card">
        <Empty icon="clock" title="Not known yet what the model takes">
          The signature is there as soon as a version serves.
        </Empty>
      </div>
    );
  }
  return <Bench key={JSON.stringify(deployment.signature)} deployment={deployment} sample={sampleRequest(deployment.signature)} />;
}

function Bench({
  deployment,
  sample,
}: {
  readonly deployment: DeploymentView;
  readonly sample: { readonly text: string; readonly isLarge: boolean };
}) {
  const [body, setBody] = useState(sample.text);
  const [sent, setSent] = useState<readonly Sent[]>([]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const isLarge = body === sample.text && sample.isLarge;
  const send = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const answer: PredictAnswer = await predict(deployment.name, body);
      setSent((earlier) => [{ at: Date.now(), answer }, ...earlier].slice(0, answersKept));
    } catch (caught) {
      setError(caught);
    }
    setBusy(false);
  };
  return (
    <div className="grid items-start gap-4 xl:grid-cols-2">
      <Panel
        title="Request"
        note={`POST /v2/models/${deployment.name}/infer`}
        actions={
          <Button kind="quiet" onClick={() => setBody(sample.text)} disabled={body === sample.text}>
            Reset
          </Button>
        }
      >
        <form
          className="flex flex-col gap-3 p-4"
          onSubmit={(event) => {
            event.preventDefault();
            void send();
          }}
        >
          {isLarge ? (
            <p className="text-[0.8125rem] text-ink-2">
              The inputs are large ({Math.round(body.length / 1024)} KiB as JSON), so made-up values are sent as they are. Load a file with your own
              request to send that.
            </p>
          ) : (
            <Field label="Body" hint="Made up from the signature: change the values to yours.">
              {(props) => (
                <textarea
                  {...props}
                  className="control !min-h-64 font-mono !text-xs"
                  spellCheck={false}
                  value={body}
                  onChange={(event) => setBody(event.target.value)}
                />
              )}
            </Field>
          )}
          <Problem error={error} />
          <div className="flex flex-wrap items-center justify-between gap-2">
            <FileChoice onText={setBody} />
            <Button kind="primary" type="submit" icon="send" busy={busy} disabled={body.trim() === ''}>
              Send
            </Button>
          </div>
        </form>
      </Panel>
      <Panel title="Answers" note="newest first">
        {sent.length === 0 ? (
          <Empty icon="send" title="Nothing sent yet">
            The answer names the version that served it. Send again after a deploy or a rollback and compare.
          </Empty>
        ) : (
          <ol aria-live="polite" className="divide-y divide-line">
            {sent.map((each, index) => (
              <AnswerView key={each.at} sent={each} isLatest={index === 0} />
            ))}
          </ol>
        )}
      </Panel>
      <CallIt deployment={deployment} body={isLarge || body.length > shownCharacters ? undefined : body} sample={sample.isLarge ? '' : sample.text} />
    </div>
  );
}

const fileBytesMost = 16 * 1024 * 1024;

function FileChoice({ onText }: { readonly onText: (text: string) => void }) {
  const [note, setNote] = useState('');
  return (
    <label className="link inline-flex min-h-8 items-center gap-2 text-[0.8125rem] has-focus-visible:outline-2">
      Load a JSON file
      <input
        type="file"
        accept="application/json,.json"
        className="sr-only"
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          if (file === undefined) return;
          if (file.size > fileBytesMost) return setNote('larger than 16 MiB: send it with curl');
          setNote('');
          void file.text().then(onText);
        }}
      />
      {note !== '' && <span className="text-bad">{note}</span>}
    </label>
  );
}
