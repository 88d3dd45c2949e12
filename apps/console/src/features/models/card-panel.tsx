'use client';

import type { VersionDetail } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import Markdown from 'react-markdown';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { Empty, Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { Panel } from '@/components/panel';
import { callVoid, path } from '@/lib/api/api.client';

/** Pictures would be fetched from elsewhere, which the page's policy forbids. */
const forbidden = ['img'];

/** The model card: what the version is for, how it was made, what it must not be used for. Written in Markdown; HTML in it stays text. */
export function CardPanel({ version }: { readonly version: VersionDetail }) {
  const [editing, setEditing] = useState(false);
  return (
    <Panel
      title="Model card"
      actions={
        <Button kind="quiet" onClick={() => setEditing(true)}>
          {version.card === '' ? 'Write' : 'Change'}
        </Button>
      }
      className="lg:col-span-2"
    >
      {version.card === '' ? (
        <Empty icon="list" title="No model card">
          What it is for, what it was trained on, where it is weak, and what it must not be used for.
        </Empty>
      ) : (
        <div className="card-prose max-w-[60rem] p-4 text-[0.8125rem]">
          <Markdown disallowedElements={forbidden}>{version.card}</Markdown>
        </div>
      )}
      {editing && <CardDialog version={version} onClose={() => setEditing(false)} />}
    </Panel>
  );
}

function CardDialog({ version, onClose }: { readonly version: VersionDetail; readonly onClose: () => void }) {
  const client = useQueryClient();
  const [card, setCard] = useState(version.card);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await callVoid(path`/v1/models/${version.model}/versions/${version.version}`, { method: 'PATCH', body: { card } });
      await client.invalidateQueries({ queryKey: ['models'] });
      onClose();
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={`Model card of v${version.version}`}
      onClose={onClose}
      footer={
        <>
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" busy={busy} onClick={() => void save()}>
            Save
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label="Card" hint="Markdown, up to 64 KiB">
          {(props) => (
            <textarea {...props} className="control font-mono text-xs" rows={16} value={card} onChange={(event) => setCard(event.target.value)} />
          )}
        </Field>
        <Problem error={error} />
      </div>
    </Dialog>
  );
}
