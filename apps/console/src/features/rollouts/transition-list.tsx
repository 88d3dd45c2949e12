import type { RolloutTransition } from '@slipway/contracts';
import { transitionWords } from '@/components/deploy/stage-words';
import { Actor, Ago, Raw } from '@/components/text';

/** Each step of the walk, newest first, with what it was decided by. */
export function TransitionList({ transitions }: { readonly transitions: readonly RolloutTransition[] }) {
  return (
    <ol className="flex flex-col divide-y divide-line text-[0.8125rem]">
      {transitions.toReversed().map((each) => (
        <li key={`${each.at}${each.action}`} className="grid gap-x-4 gap-y-0.5 px-4 py-2.5 md:grid-cols-[7rem_11rem_1fr]">
          <span className="text-ink-3">
            <Ago at={each.at} />
          </span>
          <span>
            <span className="font-medium">{transitionWords(each.action)}</span>
            <span className="block text-xs text-ink-3">
              candidate {each.weightPercent} % · <Actor name={each.actor} />
            </span>
          </span>
          <span className="min-w-0">
            {each.reason !== null && <Raw max={600}>{each.reason}</Raw>}
            {each.judgements.length > 0 && <Evidence transition={each} />}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Evidence({ transition }: { readonly transition: RolloutTransition }) {
  return (
    <details className="mt-1">
      <summary className="cursor-pointer text-xs text-ink-3">Evidence: {transition.judgements.length} guards</summary>
      <ul className="mt-1 flex flex-col gap-1 text-xs text-ink-2">
        {transition.judgements.map((judgement) => (
          <li key={judgement.guard}>
            <Raw max={500}>{judgement.reason}</Raw>
          </li>
        ))}
      </ul>
    </details>
  );
}
