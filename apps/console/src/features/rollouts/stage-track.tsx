import type { RolloutView } from '@slipway/contracts';
import { type StageState, trackOf } from '@/components/deploy/stage-words';
import { Icon, type IconName } from '@/components/icon';

const icons: Readonly<Record<StageState, IconName>> = { done: 'check-circle', now: 'progress', waiting: 'pause', failed: 'x-circle', todo: 'dash' };
const tones: Readonly<Record<StageState, string>> = {
  done: 'text-ok',
  now: 'text-info',
  waiting: 'text-warn',
  failed: 'text-bad',
  todo: 'text-ink-3',
};
const words: Readonly<Record<StageState, string>> = { done: 'done', now: 'under way', waiting: 'waits', failed: 'ended here', todo: 'to come' };

/** Where a rollout is on its plan. */
export function StageTrack({ rollout }: { readonly rollout: RolloutView }) {
  const stages = trackOf(rollout);
  return (
    <ol aria-label="Stages" className="flex flex-col gap-3 md:flex-row md:gap-0">
      {stages.map((stage, index) => (
        <li
          key={stage.key}
          aria-current={stage.state === 'now' || stage.state === 'waiting' ? 'step' : undefined}
          className="flex min-w-0 flex-1 gap-2.5 md:block"
        >
          <span className="flex items-center gap-2">
            <Icon
              name={icons[stage.state]}
              size={18}
              className={`${tones[stage.state]} ${stage.state === 'now' ? 'animate-spin [animation-duration:1.4s]' : ''}`}
            />
            {index < stages.length - 1 && (
              <span aria-hidden="true" className={`mr-2 hidden h-px flex-1 md:block ${stage.state === 'done' ? 'bg-ok' : 'bg-line-strong'}`} />
            )}
          </span>
          <span className="min-w-0 pr-3 text-[0.8125rem] md:mt-1.5 md:block">
            <span className={`block font-medium ${stage.state === 'todo' ? 'text-ink-3' : ''}`}>{stage.label}</span>
            <span className="sr-only">{words[stage.state]}: </span>
            <span className="block text-xs text-ink-3">{stage.note}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}
