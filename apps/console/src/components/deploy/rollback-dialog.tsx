'use client';

import { type DeploymentView, limits, type RevisionView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { callVoid, path } from '@/lib/api/api.client';
import { useDeployment } from '@/lib/api/deployments';
import { formatClock } from '@/lib/time/format-time';
import { Button } from '../button';
import { Dialog } from '../dialog';
import { Empty, Problem } from '../faces';
import { Field } from '../field';
import { activeRevision, rollbackTargets } from './impact';
import { RollbackImpact } from './rollback-impact';
import { Steps } from './rollout-progress';

interface RollbackDialogProps {
  readonly deployment: DeploymentView;
  /** Preselected; else the revision that served last before the present one. */
  readonly revision?: number | undefined;
  readonly onClose: () => void;
}

interface Started {
  readonly from: RevisionView | undefined;
  readonly to: RevisionView;
  readonly at: number;
}

/** Says what a rollback would change, asks why, does it and shows it take effect. */
export function RollbackDialog({ deployment, revision, onClose }: RollbackDialogProps) {
  const client = useQueryClient();
  const targets = rollbackTargets(deployment);
  const [from] = useState(() => activeRevision(deployment));
  const [chosen, setChosen] = useState(revision ?? targets[0]?.revision);
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [started, setStarted] = useState<Started>();
  const target = targets.find((each) => each.revision === chosen);

  const rollBack = async (to: RevisionView, fromRevision: RevisionView | undefined, why: string) => {
    setBusy(true);
    setError(undefined);
    try {
      const at = Date.now();
      await callVoid(path`/v1/deployments/${deployment.name}/rollback`, {
        method: 'POST',
        body: { revision: to.revision, ...(why !== '' && { reason: why }) },
      });
      setStarted({ from: fromRevision, to, at });
      void client.invalidateQueries({ queryKey: ['deployments'] });
    } catch (caught) {
      setError(caught);
    }
    setBusy(false);
  };

  if (started !== undefined) {
    return (
      <TakingEffect
        key={started.at}
        started={started}
        name={deployment.name}
        onClose={onClose}
        busy={busy}
        error={error}
        onUndo={(back) => void rollBack(back, started.to, 'Undo of the rollback')}
      />
    );
  }
  if (target === undefined || from === undefined) {
    return (
      <Dialog title={`Roll back ${deployment.name}`} onClose={onClose}>
        <Empty icon="back" title="Nowhere to go back to">
          No earlier revision of this deployment has served. Deploy another version instead.
        </Empty>
      </Dialog>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void rollBack(target, from, reason.trim());
  };
  return (
    <Dialog title={`Roll back ${deployment.name}`} onClose={onClose} width="36rem">
      <form onSubmit={submit} className="flex flex-col gap-4">
        {targets.length > 1 && (
          <Field label="Back to">
            {(props) => (
              <select {...props} className="control" value={chosen} onChange={(event) => setChosen(Number(event.target.value))}>
                {targets.map((each) => (
                  <option key={each.id} value={each.revision}>
                    v{each.version}, revision {each.revision}
                    {each.warm ? ', warm' : ''}
                  </option>
                ))}
              </select>
            )}
          </Field>
        )}
        <RollbackImpact deployment={deployment} from={from} to={target} />
        <Field label="Reason" hint="Shown in the history, the audit log and notifications.">
          {(props) => (
            <input
              {...props}
              className="control"
              maxLength={limits.reasonLength}
              placeholder="What did you see?"
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
          )}
        </Field>
        <Problem error={error} />
        <div className="flex justify-end gap-2">
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="danger" type="submit" icon="back" busy={busy}>
            Roll back to v{target.version}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface TakingEffectProps {
  readonly started: Started;
  readonly name: string;
  readonly busy: boolean;
  readonly error: unknown;
  readonly onClose: () => void;
  readonly onUndo: (back: RevisionView) => void;
}

const followMs = 250;

function TakingEffect({ started, name, busy, error, onClose, onUndo }: TakingEffectProps) {
  const [doneAt, setDoneAt] = useState<number>();
  const query = useDeployment(name, { pollMs: doneAt === undefined ? followMs : 5_000 });
  const fresh = query.dataUpdatedAt >= started.at;
  const serves = fresh && query.data?.split.some((each) => each.revision === started.to.revision && each.weightPercent === 100) === true;
  if (serves && doneAt === undefined) setDoneAt(query.dataUpdatedAt);
  const { from } = started;
  return (
    <Dialog
      title={`Rolling back ${name}`}
      onClose={onClose}
      footer={
        <>
          {doneAt !== undefined && from !== undefined && (
            <Button kind="quiet" icon="back" busy={busy} onClick={() => onUndo(from)}>
              Undo: back to v{from.version}
            </Button>
          )}
          <Button kind="primary" onClick={onClose}>
            {doneAt === undefined ? 'Close, it goes on by itself' : 'Done'}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <Steps
          steps={[
            { label: `Wish recorded at ${formatClock(started.at)}`, state: 'done' },
            {
              label: doneAt === undefined ? `Version ${started.to.version} takes the traffic` : `Version ${started.to.version} serves all traffic`,
              state: doneAt === undefined ? 'now' : 'done',
              note:
                doneAt === undefined
                  ? started.to.warm
                    ? 'warm: in a moment'
                    : 'being loaded first'
                  : `seen ${((doneAt - started.at) / 1_000).toFixed(1)} s after the wish`,
            },
          ]}
        />
        <Problem error={error} />
      </div>
    </Dialog>
  );
}
