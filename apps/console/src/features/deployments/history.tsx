'use client';

import type { EventView } from '@slipway/contracts';
import { Empty, ListView } from '@/components/faces';
import { Icon, type IconName } from '@/components/icon';
import { Panel } from '@/components/panel';
import { Actor, Ago, Raw } from '@/components/text';
import { useEvents } from '@/lib/api/access';
import { actionWords } from '@/lib/text/action-words';

/** What was done to this deployment. */
export function History({ name }: { readonly name: string }) {
  const events = useEvents({ subjectKind: 'deployment', subjectName: name }, 50);
  return (
    <Panel title="History">
      <ListView list={events} empty={<Empty icon="list" title="No change recorded yet" />}>
        {(items) => (
          <ol className="divide-y divide-line">
            {items.map((event) => (
              <Entry key={event.id} event={event} />
            ))}
          </ol>
        )}
      </ListView>
    </Panel>
  );
}

function Entry({ event }: { readonly event: EventView }) {
  return (
    <li className="flex items-start gap-3 px-4 py-2.5 text-[0.8125rem]">
      <Icon name={iconOf(event.action)} className="mt-0.5 text-ink-3" />
      <div className="min-w-0 flex-1">
        <span className="font-medium">{actionWords(event.action)}</span> <span className="text-ink-2">by</span> <Actor name={event.actor} />
        {event.reason !== null && (
          <p className="text-ink-2">
            <Raw max={300}>{event.reason}</Raw>
          </p>
        )}
      </div>
      <span className="text-xs text-ink-3">
        <Ago at={event.at} />
      </span>
    </li>
  );
}

function iconOf(action: string): IconName {
  if (action.includes('rolled_back')) return 'back';
  if (action.includes('created') || action.includes('rollout') || action.includes('revision')) return 'deploy';
  return 'dash';
}
