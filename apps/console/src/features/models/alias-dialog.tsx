'use client';

import { limits, type ModelView, type VersionView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { useNotify } from '@/components/notices';
import { callVoid, path } from '@/lib/api/api.client';

interface AliasDialogProps {
  readonly model: ModelView;
  readonly versions: readonly VersionView[];
  readonly onClose: () => void;
}

/** Moves or makes an alias. Deployments do not move with it: an alias is read when a revision is made. */
export function AliasDialog({ model, versions, onClose }: AliasDialogProps) {
  const client = useQueryClient();
  const notify = useNotify();
  const ready = versions.filter((each) => each.status === 'READY').toSorted((a, b) => b.version - a.version);
  const [name, setName] = useState(model.aliases[0]?.name ?? 'champion');
  const [version, setVersion] = useState(String(ready[0]?.version ?? ''));
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const present = model.aliases.find((alias) => alias.name === name.trim());
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await callVoid(path`/v1/models/${model.name}/aliases/${name.trim()}`, {
        method: 'PUT',
        body: { version: Number(version), ...(reason !== '' && { reason }) },
      });
      void client.invalidateQueries({ queryKey: ['models'] });
      notify(`${name.trim()} names version ${version}`);
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Set alias" onClose={onClose} width="28rem">
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <div className="grid grid-cols-2 gap-4">
          <Field label="Alias" hint={present === undefined ? 'new' : `now v${present.version}`}>
            {(props) => (
              <input
                {...props}
                className="control"
                required
                spellCheck={false}
                autoComplete="off"
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </Field>
          <Field label="Version">
            {(props) => (
              <select {...props} className="control" value={version} onChange={(event) => setVersion(event.target.value)}>
                {ready.map((each) => (
                  <option key={each.id} value={each.version}>
                    v{each.version}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
        <Field label="Reason" optional>
          {(props) => (
            <input
              {...props}
              className="control"
              maxLength={limits.reasonLength}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          )}
        </Field>
        <p className="text-xs text-ink-3">An alias is read when something is deployed. Running deployments do not move with it.</p>
        <Problem error={error} />
        <div className="flex justify-end gap-2">
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" busy={busy} disabled={name.trim() === '' || version === ''}>
            Set alias
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
