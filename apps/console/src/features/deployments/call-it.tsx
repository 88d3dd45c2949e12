'use client';

import type { DeploymentView } from '@slipway/contracts';
import Link from 'next/link';
import { useState } from 'react';
import { ChoiceTabs } from '@/components/choice-tabs';
import { CodeBlock } from '@/components/copy';
import { Panel } from '@/components/panel';
import { curlLabel, type ExampleLabel, javascriptLabel, requestsLabel, tritonLabel } from './label-snippets';
import { curlPredict, javascriptPredict, requestsPredict, tritonPredict } from './predict-snippets';
import { exampleLabel } from './sample-label';
import type { SnippetTarget } from './snippet-quoting';
import { readTensors, type SnippetTensor, zeroTensors } from './snippet-tensors';

interface CallItProps {
  readonly deployment: DeploymentView;
  /** The request that is typed; absent: it is too long to show. */
  readonly body: string | undefined;
  /** The request that was made up, for where the typed one is no request. */
  readonly sample: string;
}

const languages = [
  { id: 'curl', label: 'curl' },
  { id: 'triton', label: 'Python tritonclient' },
  { id: 'requests', label: 'Python requests' },
  { id: 'javascript', label: 'JavaScript' },
] as const;
type Language = (typeof languages)[number]['id'];

/** How a program sends this very request, and later the truth about it: with this deployment's names, types and address. */
export function CallIt({ deployment, body, sample }: CallItProps) {
  const [language, setLanguage] = useState<Language>('curl');
  const target = { origin: window.location.origin, deployment: deployment.name };
  const tensors = tensorsOf(deployment, body, sample);
  const name = languages.find(({ id }) => id === language)?.label;
  const label = exampleLabel(deployment.task);
  return (
    <Panel title="Call it" note="from a program" className="xl:col-span-2">
      <ChoiceTabs label="Language" choices={languages} chosen={language} onChoose={setLanguage}>
        <div className="flex flex-col gap-4 p-4">
          <CodeBlock label={`Prediction with ${name}`} text={predictWith(language, target, tensors, body)} />
          {label === undefined ? (
            <p className="text-[0.8125rem] text-ink-2">Labels are off: the version that serves has no task that a label could be compared with.</p>
          ) : (
            <section className="flex flex-col gap-2">
              <h3 className="text-[0.8125rem] font-medium">When the truth is known</h3>
              <CodeBlock label={`Label with ${name}`} text={labelWith(language, target, label)} />
              <p className="text-xs text-ink-3">
                {language === 'triton'
                  ? 'Triton’s client does not show the header with the prediction’s id, so the label names the request by your own id: one row per request.'
                  : 'A request of many rows has one id; its row k, counted from 0, is labelled as id#k.'}
              </p>
            </section>
          )}
          <p className="text-xs text-ink-3">
            Here your session signs the request. A program does with a key in the environment variable SLIPWAY_API_KEY:{' '}
            <Link href="/settings/keys" className="link underline">
              create one
            </Link>{' '}
            with the rights to predict and label.
          </p>
        </div>
      </ChoiceTabs>
    </Panel>
  );
}

function tensorsOf(deployment: DeploymentView, body: string | undefined, sample: string): readonly SnippetTensor[] {
  const typed = body === undefined ? undefined : readTensors(body);
  return typed ?? readTensors(sample) ?? (deployment.signature === null ? [] : zeroTensors(deployment.signature));
}

function predictWith(language: Language, target: SnippetTarget, tensors: readonly SnippetTensor[], body: string | undefined): string {
  switch (language) {
    case 'curl':
      return curlPredict(target, tensors, body);
    case 'triton':
      return tritonPredict(target, tensors);
    case 'requests':
      return requestsPredict(target, tensors);
    case 'javascript':
      return javascriptPredict(target, tensors);
  }
}

function labelWith(language: Language, target: SnippetTarget, label: ExampleLabel): string {
  switch (language) {
    case 'curl':
      return curlLabel(target, label);
    case 'triton':
      return tritonLabel(target, label);
    case 'requests':
      return requestsLabel(target, label);
    case 'javascript':
      return javascriptLabel(target, label);
  }
}
