'use client';

import type { RolloutView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import type { IconName } from '@/components/icon';
import { callVoid, path } from '@/lib/api/api.client';

type Action = RolloutView['actions'][number];

interface Words {
  readonly label: string;
  readonly icon: IconName;
  readonly title: string;
  readonly text: string;
  readonly kind?: 'primary' | 'danger';
}

const words: Readonly<Record<Action, Words>> = {
  approve: {
    label: 'Approve',
    icon: 'check',
    title: 'Approve this stage',
    text: 'The next stage begins as soon as the guards of this one pass.',
    kind: 'primary',
  },
  promote: {
    label: 'Promote now',
    icon: 'deploy',
    title: 'Promote the candidate now',
    text: 'It takes all traffic at once, whatever is left of the plan. Guards that have not said a word are not waited for.',
  },
  pause: {
    label: 'Pause',
    icon: 'pause',
    title: 'Pause the rollout',
    text: 'The split stays as it is. A guard that fails still takes the candidate back.',
  },
  resume: { label: 'Resume', icon: 'play', title: 'Resume the rollout', text: 'It goes on with the stage it is in.', kind: 'primary' },
  undo: {
    label: 'Undo',
    icon: 'back',
    title: 'Undo the end of this rollout',
    text: 'After a promotion the revision before it serves again; after the candidate was taken back it is tried once more. Both are still warm.',
  },
  abort: {
    label: 'Take back',
    icon: 'back',
    title: 'Take the candidate back',
    text: 'All traffic goes to the revision that served before, at once.',
    kind: 'danger',
  },
};

/** What a person may do about a rollout now. */
export function RolloutActions({ name, rollout }: { readonly name: string; readonly rollout: RolloutView }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState<Action>();
  const act = async (action: Action) => {
    await callVoid(`${path`/v1/deployments/${name}/rollout/`}${action}`, { method: 'POST', body: {} });
    await client.invalidateQueries({ queryKey: ['deployments'] });
  };
  return (
    <>
      {rollout.actions.map((action) => (
        <Button
          key={action}
          icon={words[action].icon}
          kind={words[action].kind === 'primary' ? 'primary' : 'plain'}
          onClick={() => setAsking(action)}
        >
          {words[action].label}
        </Button>
      ))}
      {asking !== undefined && (
        <ConfirmDialog
          title={words[asking].title}
          action={words[asking].label}
          danger={words[asking].kind === 'danger'}
          act={() => act(asking)}
          onClose={() => setAsking(undefined)}
        >
          {words[asking].text}
        </ConfirmDialog>
      )}
    </>
  );
}
