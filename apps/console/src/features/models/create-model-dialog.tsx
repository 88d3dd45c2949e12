'use client';

import { limits, ModelView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { call } from '@/lib/api/api.client';

/** Names a new model and opens it. */
export function CreateModelDialog({ onClose }: { readonly onClose: () => void }) {
  const client = useQueryClient();
  const router = useRouter();
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const model = await call(ModelView, '/v1/models', { method: 'POST', body: { name: name.trim(), description } });
      void client.invalidateQueries({ queryKey: ['models'] });
      onClose();
      router.push(`/models/${encodeURIComponent(model.name)}`);
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Add a model" onClose={onClose} width="28rem">
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <Field label="Name" hint="Letters, digits, dots, underscores and hyphens. It stays.">
          {(props) => (
            <input
              {...props}
              className="control"
              required
              maxLength={limits.nameLength}
              autoComplete="off"
              spellCheck={false}
              placeholder="fraud-score"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label="Description" optional>
          {(props) => (
            <textarea
              {...props}
              className="control"
              maxLength={limits.descriptionLength}
              value={description}
              onChange={(event) => setDescription(event.target.value)}
            />
          )}
        </Field>
        <Problem error={error} />
        <div className="flex justify-end gap-2">
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" busy={busy} disabled={name.trim() === ''}>
            Add model
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
