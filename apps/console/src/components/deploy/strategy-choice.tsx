'use client';

import type { RolloutPlan, Strategy } from '@slipway/contracts';
import { useRolloutPlans } from '@/lib/api/rollouts';
import { Field } from '../field';
import { Raw } from '../text';
import { type PlanChoice, planOf, strategyOf } from './plan-of';
import { stageLabel, stageNote } from './stage-words';

interface StrategyChoiceProps {
  readonly choice: PlanChoice;
  readonly onChange: (choice: PlanChoice) => void;
}

const words: Readonly<Record<Strategy, string>> = {
  'all-at-once': 'All at once',
  rolling: 'Rolling, replica by replica',
  'blue-green': 'Blue/green, with a bake',
  canary: 'Canary, in steps',
  shadow: 'Shadow only',
};
const notes: Readonly<Record<Strategy, string>> = {
  'all-at-once': 'All traffic moves when the new revision is ready. Nothing is compared.',
  rolling: 'Traffic moves with each replica that is replaced.',
  'blue-green': 'All traffic moves at once to a full second set; guards watch it while the old one stays warm.',
  canary: 'A share of the callers first. Guards compare both on the same requests and take the new one back by themselves.',
  shadow: 'Copies of live requests only; callers never see its answers.',
};

/** How the traffic moves: a strategy or a plan of the project, and what comes before it. */
export function StrategyChoice({ choice, onChange }: StrategyChoiceProps) {
  const plans = useRolloutPlans().items ?? [];
  const named = plans.find((each) => `plan:${each.name}` === choice.how);
  const strategy = strategyOf(choice);
  const plan = named?.plan ?? planOf(choice);
  return (
    <fieldset className="flex flex-col gap-3">
      <legend className="sr-only">How</legend>
      <Field label="How">
        {(props) => (
          <select {...props} className="control" value={choice.how} onChange={(event) => onChange({ ...choice, how: event.target.value })}>
            {Object.entries(words).map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
            {plans.length > 0 && (
              <optgroup label="Plans of this project">
                {plans.map((each) => (
                  <option key={each.id} value={`plan:${each.name}`}>
                    {each.name}
                  </option>
                ))}
              </optgroup>
            )}
          </select>
        )}
      </Field>
      <p className="text-xs text-ink-3">{strategy === undefined ? <Raw max={300}>{named?.description ?? ''}</Raw> : notes[strategy]}</p>
      {strategy !== undefined && <Extras strategy={strategy} choice={choice} onChange={onChange} />}
      {plan !== undefined && plan.stages.length > 0 && <Preview plan={plan} />}
    </fieldset>
  );
}

function Extras({ strategy, choice, onChange }: StrategyChoiceProps & { readonly strategy: Strategy }) {
  return (
    <div className="flex flex-wrap gap-x-5 gap-y-1 text-[0.8125rem]">
      <Check label="Replay recorded requests first" checked={choice.replayFirst} onChange={(replayFirst) => onChange({ ...choice, replayFirst })} />
      {strategy !== 'shadow' && (
        <Check label="Shadow first" checked={choice.shadowFirst} onChange={(shadowFirst) => onChange({ ...choice, shadowFirst })} />
      )}
      {(strategy === 'canary' || strategy === 'blue-green' || choice.shadowFirst) && (
        <Check label="Ask before each step" checked={choice.approvals} onChange={(approvals) => onChange({ ...choice, approvals })} />
      )}
    </div>
  );
}

function Check({ label, checked, onChange }: { readonly label: string; readonly checked: boolean; readonly onChange: (value: boolean) => void }) {
  return (
    <label className="flex min-h-8 items-center gap-2">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}

function Preview({ plan }: { readonly plan: RolloutPlan }) {
  return (
    <ol aria-label="Stages of the plan" className="flex flex-wrap gap-2 text-xs">
      {plan.stages.map((stage, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a stage is its place in the plan.
        <li key={index} className="rounded-lg bg-sunken px-2.5 py-1.5">
          <span className="font-medium">{stageLabel(stage)}</span> <span className="text-ink-3">{stageNote(stage)}</span>
        </li>
      ))}
    </ol>
  );
}
