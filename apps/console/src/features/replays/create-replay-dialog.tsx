'use client';

import { ReplayView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { Button } from '@/components/button';
import { VersionChoice } from '@/components/deploy/version-choice';
import { Dialog } from '@/components/dialog';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { call } from '@/lib/api/api.client';
import { useDeployment } from '@/lib/api/deployments';

/** Chooses a version and how many of the recorded requests it is given, then opens the replay. */
export function CreateReplayDialog({ deployment, onClose }: { readonly deployment: string; readonly onClose: () => void }) {
  const client = useQueryClient();
  const router = useRouter();
  const view = useDeployment(deployment).data;
  const [choice, setChoice] = useState('');
  const [requests, setRequests] = useState('200');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const start = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const what = choice.startsWith('@') ? { alias: choice.slice(1) } : { version: Number(choice.slice(1)) };
      const replay = await call(ReplayView, '/v1/replays', { method: 'POST', body: { deployment, ...what, requests: Number(requests) } });
      void client.invalidateQueries({ queryKey: ['replays'] });
      router.push(`/replays/${encodeURIComponent(replay.id)}`);
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={`Replay requests of ${deployment}`}
      onClose={onClose}
      footer={
        <>
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" icon="play" busy={busy} disabled={choice === ''} onClick={() => void start()}>
            Replay
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {view !== undefined && (
          <VersionChoice model={view.model} value={choice} onChange={setChoice} serving={view.split.map((each) => each.version)} />
        )}
        <Field label="Requests, the newest first">
          {(props) => (
            <input
              {...props}
              type="number"
              min={1}
              max={10_000}
              className="control"
              value={requests}
              onChange={(event) => setRequests(event.target.value)}
            />
          )}
        </Field>
        <p className="text-xs text-ink-3">It runs in a process of its own; live traffic is not touched.</p>
        <Problem error={error} />
      </div>
    </Dialog>
  );
}
