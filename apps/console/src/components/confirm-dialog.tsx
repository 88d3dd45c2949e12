'use client';

import { type ReactNode, useState } from 'react';
import { Button } from './button';
import { Dialog } from './dialog';
import { Problem } from './faces';
import { Field } from './field';

interface ConfirmDialogProps {
  readonly title: string;
  readonly action: string;
  readonly children: ReactNode;
  readonly danger?: boolean;
  /** For what cannot be undone: the name to type first. */
  readonly typedName?: string;
  readonly act: () => Promise<unknown>;
  readonly onClose: () => void;
}

/** Asks before something with consequences, and stays open to show a refusal. */
export function ConfirmDialog({ title, action, children, danger = false, typedName, act, onClose }: ConfirmDialogProps) {
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await act();
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      width="28rem"
      footer={
        <>
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button
            kind={danger ? 'danger' : 'primary'}
            busy={busy}
            disabled={typedName !== undefined && typed !== typedName}
            onClick={() => void run()}
          >
            {action}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4 text-[0.8125rem] text-ink-2">
        <div>{children}</div>
        {typedName !== undefined && (
          <Field label={`Type ${typedName} to confirm`}>
            {(props) => <input {...props} className="control" autoComplete="off" value={typed} onChange={(event) => setTyped(event.target.value)} />}
          </Field>
        )}
        <Problem error={error} />
      </div>
    </Dialog>
  );
}
