'use client';

import { CreateDeployment, CreateRevision, type DeploymentView, limits } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { type FormEvent, useState } from 'react';
import { callVoid, path } from '@/lib/api/api.client';
import { ApiError } from '@/lib/api/api-error';
import { useDeployment, useDeployments } from '@/lib/api/deployments';
import { useModels } from '@/lib/api/models';
import { Button } from '../button';
import { Dialog } from '../dialog';
import { Problem } from '../faces';
import { Field } from '../field';
import { plainChoice, planFields } from './plan-of';
import { RolloutProgress } from './rollout-progress';
import { StrategyChoice } from './strategy-choice';
import { VersionChoice } from './version-choice';

interface DeployDialogProps {
  /** Deploy onto this deployment. Without it, a deployment is chosen or made. */
  readonly deployment?: DeploymentView | undefined;
  readonly model?: string;
  readonly version?: number;
  readonly onClose: () => void;
}

const newOne = '';

/** Chooses what to serve where, sends the wish and follows the rollout in place. */
export function DeployDialog({ deployment, model: givenModel, version, onClose }: DeployDialogProps) {
  const client = useQueryClient();
  const router = useRouter();
  const [model, setModel] = useState(deployment?.model ?? givenModel ?? '');
  const [choice, setChoice] = useState(version === undefined ? '' : `v${version}`);
  const [target, setTarget] = useState(deployment?.name ?? newOne);
  const [newName, setNewName] = useState('');
  const [replicas, setReplicas] = useState('');
  const [reason, setReason] = useState('');
  const [how, setHow] = useState(plainChoice);
  const [breaking, setBreaking] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [started, setStarted] = useState<{ readonly name: string; readonly rolloutBefore: string | undefined }>();

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      const what = choice.startsWith('@') ? { alias: choice.slice(1) } : { version: Number(choice.slice(1)) };
      const shared = { ...what, ...(replicas !== '' && { replicas: Number(replicas) }), ...(reason !== '' && { reason }) };
      if (target === newOne)
        await callVoid('/v1/deployments', { method: 'POST', body: checked(CreateDeployment, { name: newName.trim(), model, ...shared }) });
      else {
        const wish = { ...shared, ...planFields(how), ...(breaking && { allowBreaking: true }) };
        await callVoid(path`/v1/deployments/${target}/revisions`, { method: 'POST', body: checked(CreateRevision, wish) });
      }
      setStarted({ name: target === newOne ? newName.trim() : target, rolloutBefore: deployment?.rollout?.id });
      void client.invalidateQueries({ queryKey: ['deployments'] });
    } catch (caught) {
      setError(caught);
    }
    setBusy(false);
  };

  if (started !== undefined)
    return (
      <Following
        {...started}
        onClose={onClose}
        onOpen={() => router.push(`/deployments/${encodeURIComponent(started.name)}${how.how === plainChoice.how ? '' : '/rollout'}`)}
      />
    );
  return (
    <Dialog title={deployment === undefined ? 'Deploy' : `Deploy to ${deployment.name}`} onClose={onClose}>
      <form id="deploy" onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        {deployment === undefined && givenModel === undefined && (
          <ModelChoice
            value={model}
            onChange={(value) => {
              setModel(value);
              setChoice('');
              setTarget(newOne);
            }}
          />
        )}
        {model !== '' && (
          <VersionChoice model={model} value={choice} onChange={setChoice} serving={deployment?.split.map((each) => each.version) ?? []} />
        )}
        {deployment === undefined && model !== '' && (
          <TargetChoice model={model} target={target} onTarget={setTarget} name={newName} onName={setNewName} />
        )}
        {target !== newOne && <StrategyChoice choice={how} onChange={setHow} />}
        <div className="grid gap-4 sm:grid-cols-[8rem_1fr]">
          <Field label="Replicas" optional>
            {(props) => (
              <input
                {...props}
                type="number"
                min={1}
                max={limits.replicasMax}
                className="control"
                placeholder={target === newOne ? '1' : String(deployment?.replicas.wanted ?? 'as now')}
                value={replicas}
                onChange={(event) => setReplicas(event.target.value)}
              />
            )}
          </Field>
          <Field label="Reason" optional>
            {(props) => (
              <input
                {...props}
                className="control"
                maxLength={limits.reasonLength}
                placeholder="Why this change? Kept in the history."
                value={reason}
                onChange={(event) => setReason(event.target.value)}
              />
            )}
          </Field>
        </div>
        <p className="text-xs text-ink-3">
          The new revision is loaded, warmed and proven by a canary request before it gets traffic. Until then, and for a while after, the present one
          stays up.
        </p>
        <Problem error={error} />
        {error instanceof ApiError && error.code === 'SIGNATURE_BREAKING' && (
          <label className="flex min-h-8 items-center gap-2 text-[0.8125rem]">
            <input type="checkbox" checked={breaking} onChange={(event) => setBreaking(event.target.checked)} />
            Deploy it although callers may break
          </label>
        )}
        <div className="flex justify-end gap-2">
          <Button kind="quiet" onClick={onClose}>
            Cancel
          </Button>
          <Button kind="primary" type="submit" icon="deploy" busy={busy} disabled={choice === '' || (target === newOne && newName.trim() === '')}>
            Deploy
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Refuses here what the API would refuse, with the same sentence. */
function checked<T>(
  schema: {
    safeParse(
      value: unknown,
    ): { success: true; data: T } | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } };
  },
  value: unknown,
): unknown {
  const result = schema.safeParse(value);
  if (result.success) return value;
  const [first] = result.error.issues;
  throw new ApiError({
    status: 400,
    code: 'REQUEST_INVALID',
    detail: first === undefined ? 'The request is not valid.' : `${first.path.join('.')}: ${first.message}`,
  });
}

function ModelChoice({ value, onChange }: { readonly value: string; readonly onChange: (value: string) => void }) {
  const models = useModels();
  return (
    <Field label="Model">
      {(props) => (
        <select {...props} className="control" required value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">Choose a model</option>
          {models.items?.map((each) => (
            <option key={each.id}>{each.name}</option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface TargetChoiceProps {
  readonly model: string;
  readonly target: string;
  readonly onTarget: (name: string) => void;
  readonly name: string;
  readonly onName: (name: string) => void;
}

function TargetChoice({ model, target, onTarget, name, onName }: TargetChoiceProps) {
  const deployments = useDeployments().items?.filter((each) => each.model === model) ?? [];
  return (
    <>
      {deployments.length > 0 && (
        <Field label="Where">
          {(props) => (
            <select {...props} className="control" value={target} onChange={(event) => onTarget(event.target.value)}>
              <option value={newOne}>A new deployment</option>
              {deployments.map((each) => (
                <option key={each.id} value={each.name}>
                  {each.name} (serves {each.split.map((entry) => `v${entry.version}`).join(', ') || 'nothing'})
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      {target === newOne && (
        <Field label="Name of the deployment" hint="Callers use it in the address: /v2/models/name/infer">
          {(props) => (
            <input
              {...props}
              className="control"
              required
              autoComplete="off"
              spellCheck={false}
              placeholder={model}
              value={name}
              onChange={(event) => onName(event.target.value)}
            />
          )}
        </Field>
      )}
    </>
  );
}

interface FollowingProps {
  readonly name: string;
  readonly rolloutBefore: string | undefined;
  readonly onClose: () => void;
  readonly onOpen: () => void;
}

const followMs = 700;

function Following({ name, rolloutBefore, onClose, onOpen }: FollowingProps) {
  const query = useDeployment(name, { pollMs: followMs });
  const rollout = query.data?.rollout;
  const isNew = rollout !== undefined && rollout !== null && rollout.id !== rolloutBefore;
  // A rollout in stages takes its time: it is followed on its own tab.
  const inStages = isNew && rollout.plan.stages.length > 0 && rollout.status === 'PROGRESSING';
  const done = isNew && (rollout.status !== 'PROGRESSING' || inStages);
  return (
    <Dialog
      title={`Deploying to ${name}`}
      onClose={onClose}
      footer={
        <>
          <Button kind="quiet" onClick={onClose}>
            {done ? 'Close' : 'Close, it goes on by itself'}
          </Button>
          {done && (
            <Button
              kind="primary"
              onClick={() => {
                onClose();
                onOpen();
              }}
            >
              Open {name}
            </Button>
          )}
        </>
      }
    >
      {query.data !== undefined && <RolloutProgress deployment={isNew ? query.data : { ...query.data, rollout: null }} />}
      {query.error !== null && <Problem error={query.error} />}
    </Dialog>
  );
}
