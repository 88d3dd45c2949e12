'use client';

import { JoinTokenCreated } from '@slipway/contracts';
import { useState } from 'react';
import { Button } from '@/components/button';
import { SecretOnce } from '@/components/copy';
import { Dialog } from '@/components/dialog';
import { Problem } from '@/components/faces';
import { call } from '@/lib/api/api.client';

/** Makes a token that one more machine may join with; it is shown once. */
export function JoinDialog({ onClose }: { readonly onClose: () => void }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [created, setCreated] = useState<JoinTokenCreated>();
  const create = async () => {
    setBusy(true);
    setError(undefined);
    try {
      setCreated(await call(JoinTokenCreated, '/v1/hosts/join-tokens', { method: 'POST', body: {} }));
    } catch (caught) {
      setError(caught);
    }
    setBusy(false);
  };
  return (
    <Dialog
      title="Add a host"
      onClose={onClose}
      held={created !== undefined}
      footer={
        created === undefined ? (
          <>
            <Button kind="quiet" onClick={onClose}>
              Cancel
            </Button>
            <Button kind="primary" busy={busy} onClick={() => void create()}>
              Make a token
            </Button>
          </>
        ) : (
          <Button kind="primary" onClick={onClose}>
            I have copied it
          </Button>
        )
      }
    >
      <div className="flex flex-col gap-4 text-[0.8125rem] text-ink-2">
        <p>
          On the other machine start a worker with <code className="font-mono text-xs">SLIPWAY_API_URL</code> and{' '}
          <code className="font-mono text-xs">SLIPWAY_JOIN_TOKEN</code>. It fetches files over the API and serves predictions over mutual TLS. The
          token is good for one host and for a day.
        </p>
        {created !== undefined && <SecretOnce secret={created.token} what="the token" />}
        <Problem error={error} />
      </div>
    </Dialog>
  );
}
