'use client';

import { KeyCreated, type Scope, scopes } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/button';
import { SecretOnce } from '@/components/copy';
import { Dialog } from '@/components/dialog';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { call } from '@/lib/api/api.client';

const words: Readonly<Record<Scope, string>> = {
  admin: 'everything in this project, keys too',
  view: 'read models, deployments, figures',
  predict: 'send predictions',
  label: 'send labels',
  develop: 'add models and versions',
  deploy: 'deploy, roll back, alert rules',
  audit: 'read the event log',
};
const lifetimes = [
  ['', 'never'],
  ['30', 'in 30 days'],
  ['90', 'in 90 days'],
  ['365', 'in a year'],
] as const;
const dayMs = 86_400_000;

/** Makes a key; its secret is shown once. */
export function CreateKeyDialog({ onClose }: { readonly onClose: () => void }) {
  const client = useQueryClient();
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<readonly Scope[]>(['predict']);
  const [days, setDays] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [created, setCreated] = useState<KeyCreated>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const body = {
        name: name.trim(),
        scopes: chosen,
        ...(days !== '' && { expiresAt: new Date(Date.now() + Number(days) * dayMs).toISOString() }),
      };
      setCreated(await call(KeyCreated, '/v1/keys', { method: 'POST', body }));
      void client.invalidateQueries({ queryKey: ['keys'] });
    } catch (caught) {
      setError(caught);
    }
    setBusy(false);
  };
  if (created !== undefined) {
    return (
      <Dialog
        title={`Key ${created.name}`}
        onClose={onClose}
        held
        footer={
          <Button kind="primary" onClick={onClose}>
            I have copied it
          </Button>
        }
      >
        <SecretOnce secret={created.secret} what="the key" />
      </Dialog>
    );
  }
  return (
    <Dialog title="Create a key" onClose={onClose} width="28rem">
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <Field label="Name" hint="What will use it: one key per program.">
          {(props) => (
            <input
              {...props}
              className="control"
              required
              autoComplete="off"
              spellCheck={false}
              placeholder="checkout-service"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <fieldset className="flex flex-col">
          <legend className="mb-1 text-[0.8125rem] font-medium">It may</legend>
          {scopes.map((scope) => (
            <label key={scope} className="flex min-h-8 items-center gap-2.5 text-[0.8125rem]">
              <input
                type="checkbox"
                className="size-4 accent-(--accent)"
                checked={chosen.includes(scope)}
                onChange={(event) => setChosen(event.target.checked ? [...chosen, scope] : chosen.filter((each) => each !== scope))}
              />
              <span className="w-16 font-medium">{scope}</span>
              <span className="text-ink-3">{words[scope]}</span>
            </label>
          ))}
        </fieldset>
        <Field label="Ends">
          {(props) => (
            <select {...props} className="control" value={days} onChange={(event) => setDays(event.target.value)}>
              {lifetimes.map(([value, word]) => (
                <option key={value} value={value}>
                  {word}
                </option>
              ))}
            </select>
          )}
        </Field>
        <Problem error={error} />
        <div className="flex justify-end gap-2">
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" busy={busy} disabled={name.trim() === '' || chosen.length === 0}>
            Create key
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
