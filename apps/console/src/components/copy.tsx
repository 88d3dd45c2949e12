'use client';

import { useState } from 'react';
import { Button, IconButton } from './button';

const shownMs = 1_800;

function useCopy(text: string): { readonly copied: boolean; readonly copy: () => void } {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void copyText(text).then((done) => {
      setCopied(done);
      setTimeout(() => setCopied(false), shownMs);
    });
  };
  return { copied, copy };
}

/** The clipboard interface is there only in secure contexts; a selection and `execCommand` work in the others. */
async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard !== undefined)
    return navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
  const area = document.createElement('textarea');
  area.value = text;
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  return done;
}

export function CopyButton({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const { copied, copy } = useCopy(text);
  return (
    <Button icon={copied ? 'check' : 'copy'} onClick={copy}>
      <span aria-live="polite">{copied ? 'Copied' : label}</span>
    </Button>
  );
}

export function CopyIcon({ text, label }: { readonly text: string; readonly label: string }) {
  const { copied, copy } = useCopy(text);
  return <IconButton icon={copied ? 'check' : 'copy'} label={copied ? 'Copied' : label} onClick={copy} className="!size-6" />;
}

/** Code to take along, with a button for it. */
export function CodeBlock({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div className="code relative">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex lint/a11y/useSemanticElements: a region that scrolls must be reachable by keyboard. */}
      <pre tabIndex={0} role="region" aria-label={label} className="max-h-96 overflow-auto p-3 pr-24 whitespace-pre">
        {text}
      </pre>
      <div className="absolute top-1.5 right-1.5 font-sans">
        <CopyButton text={text} />
      </div>
    </div>
  );
}

/** A secret that is shown once. */
export function SecretOnce({ secret, what }: { readonly secret: string; readonly what: string }) {
  return (
    <div className="flex flex-col gap-2">
      <p className="text-[0.8125rem] text-ink-2">Copy {what} now: it is shown this once and cannot be read again.</p>
      <div className="code flex items-center justify-between gap-2 p-1.5 pl-3">
        <code className="raw select-all" data-testid="secret">
          {secret}
        </code>
        <CopyButton text={secret} />
      </div>
    </div>
  );
}
