'use client';

import type { DeploymentView } from '@slipway/contracts';
import { Icon, type IconName } from '../icon';
import { Raw } from '../text';

type StepState = 'done' | 'now' | 'todo' | 'failed';

interface Step {
  readonly label: string;
  readonly state: StepState;
  readonly note?: string | undefined;
}

const icons: Readonly<Record<StepState, IconName>> = { done: 'check-circle', now: 'progress', todo: 'dash', failed: 'x-circle' };
const tones: Readonly<Record<StepState, string>> = { done: 'text-ok', now: 'text-info', todo: 'text-ink-3', failed: 'text-bad' };

/** The walk of a rollout: recorded, loaded and warmed, serving; with the cause when it was aborted. */
export function RolloutProgress({ deployment }: { readonly deployment: DeploymentView }) {
  const { rollout } = deployment;
  if (rollout === null) return <Steps steps={[{ label: 'Recorded', state: 'now' }]} />;
  const instances = deployment.instances.filter((each) => each.revision === rollout.toRevision && each.status !== 'GONE');
  const ready = instances.filter((each) => each.status === 'READY').length;
  const aborted = rollout.status === 'ABORTED';
  const done = rollout.status === 'COMPLETED';
  const wanted = Math.max(1, instances.length);
  const warmed = done || ready > 0;
  return (
    <Steps
      steps={[
        { label: `Revision ${rollout.toRevision} recorded`, state: 'done' },
        {
          label: warmed ? 'Loaded, warmed and proven' : 'Loading, warming, first canary request',
          state: aborted && !warmed ? 'failed' : warmed ? 'done' : 'now',
          note: `${ready} of ${wanted} ready`,
        },
        {
          label: done ? 'Serves all traffic' : 'Takes the traffic',
          state: done ? 'done' : aborted ? (warmed ? 'failed' : 'todo') : warmed ? 'now' : 'todo',
        },
        ...(aborted
          ? [
              {
                label: 'Aborted; the earlier revision keeps serving',
                state: 'failed' as const,
                note: rollout.causeDetail ?? rollout.cause ?? undefined,
              },
            ]
          : []),
      ]}
    />
  );
}

export function Steps({ steps }: { readonly steps: readonly Step[] }) {
  return (
    <ol aria-live="polite" className="flex flex-col gap-2.5">
      {steps.map((step) => (
        <li key={step.label} className="flex items-start gap-2.5">
          <Icon name={icons[step.state]} className={`mt-0.5 ${tones[step.state]} ${step.state === 'now' ? 'animate-spin' : ''}`} />
          <span className={step.state === 'todo' ? 'text-ink-3' : ''}>
            {step.label}
            <span className="sr-only">: {step.state === 'todo' ? 'to do' : step.state}</span>
            {step.note && (
              <span className="block text-xs text-ink-3">
                <Raw max={400}>{step.note}</Raw>
              </span>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}
