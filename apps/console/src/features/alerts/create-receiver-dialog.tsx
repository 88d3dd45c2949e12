'use client';

import { CreateReceiver, ReceiverCreated } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/button';
import { SecretOnce } from '@/components/copy';
import { Dialog } from '@/components/dialog';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { call } from '@/lib/api/api.client';

/** Adds an e-mail list or a webhook; a webhook's signing secret is shown once. */
export function CreateReceiverDialog({ onClose }: { readonly onClose: () => void }) {
  const client = useQueryClient();
  const [kind, setKind] = useState<'EMAIL' | 'WEBHOOK'>('WEBHOOK');
  const [name, setName] = useState('');
  const [target, setTarget] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [created, setCreated] = useState<ReceiverCreated>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setError(undefined);
    const body =
      kind === 'EMAIL'
        ? { kind, name: name.trim(), to: target.split(/[\s,;]+/).filter((each) => each !== '') }
        : { kind, name: name.trim(), url: target.trim() };
    const checked = CreateReceiver.safeParse(body);
    if (!checked.success) {
      const [first] = checked.error.issues;
      return setError(new Error(first === undefined ? 'The receiver is not valid.' : `${first.path.join('.')}: ${first.message}`));
    }
    setBusy(true);
    try {
      const answer = await call(ReceiverCreated, '/v1/receivers', { method: 'POST', body });
      void client.invalidateQueries({ queryKey: ['receivers'] });
      if (answer.secret === undefined) return onClose();
      setCreated(answer);
    } catch (caught) {
      setError(caught);
    }
    setBusy(false);
  };
  if (created?.secret !== undefined) {
    return (
      <Dialog
        title={`${created.name} is ready`}
        onClose={onClose}
        held
        footer={
          <Button kind="primary" onClick={onClose}>
            I have copied it
          </Button>
        }
      >
        <SecretOnce secret={created.secret} what="the signing secret" />
        <p className="mt-3 text-xs text-ink-3">
          Each notice is signed after Standard Webhooks: headers webhook-id, webhook-timestamp and webhook-signature.
        </p>
      </Dialog>
    );
  }
  return (
    <Dialog title="Add a receiver" onClose={onClose} width="28rem">
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <fieldset className="flex gap-4 text-[0.8125rem]">
          <legend className="mb-1.5 font-medium">Kind</legend>
          {(['WEBHOOK', 'EMAIL'] as const).map((each) => (
            <label key={each} className="inline-flex min-h-8 items-center gap-2">
              <input type="radio" name="kind" className="size-4 accent-(--accent)" checked={kind === each} onChange={() => setKind(each)} />
              {each === 'EMAIL' ? 'E-mail' : 'Webhook'}
            </label>
          ))}
        </fieldset>
        <Field label="Name">
          {(props) => (
            <input
              {...props}
              className="control"
              required
              autoComplete="off"
              spellCheck={false}
              placeholder="ops"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field
          key={kind}
          label={kind === 'EMAIL' ? 'Addresses' : 'Address'}
          hint={kind === 'EMAIL' ? 'Separated by commas.' : 'https, on a port that the egress settings allow.'}
        >
          {(props) => (
            <input
              {...props}
              className="control"
              required
              type={kind === 'EMAIL' ? 'text' : 'url'}
              inputMode={kind === 'EMAIL' ? 'email' : 'url'}
              placeholder={kind === 'EMAIL' ? 'night-duty@example.org' : 'https://hooks.example.org/slipway'}
              value={target}
              onChange={(event) => setTarget(event.target.value)}
            />
          )}
        </Field>
        <Problem error={error} />
        <div className="flex justify-end gap-2">
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" busy={busy} disabled={name.trim() === '' || target.trim() === ''}>
            Add receiver
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
