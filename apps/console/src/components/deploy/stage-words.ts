import type { RolloutPlan, RolloutStage, RolloutView } from '@slipway/contracts';
import { formatCount } from '../../lib/text/format-number';

export type StageState = 'done' | 'now' | 'waiting' | 'failed' | 'todo';

export interface TrackStage {
  readonly key: string;
  readonly label: string;
  /** What has to be met before the next one. */
  readonly note: string;
  readonly state: StageState;
}

/** A rollout as a row of stages: prepared, each stage of its plan, promoted. */
export function trackOf(rollout: RolloutView): readonly TrackStage[] {
  const { plan, status, phase } = rollout;
  const ended = status === 'ABORTED';
  const at = phase === 'validating' || phase === 'warming' ? -1 : rollout.step;
  const here: StageState = ended ? 'failed' : status === 'HELD' || status === 'PAUSED' ? 'waiting' : 'now';
  const stateOf = (index: number): StageState => (status === 'COMPLETED' || index < at ? 'done' : index === at ? here : 'todo');
  const stages = plan.stages.map((stage, index) => ({ key: `${index}`, label: stageLabel(stage), note: stageNote(stage), state: stateOf(index) }));
  return [
    { key: 'prepare', label: 'Prepare', note: 'loaded, warmed, proven', state: at >= 0 || status === 'COMPLETED' ? 'done' : here },
    ...stages,
    { key: 'end', label: endLabel(plan), note: endNote(plan), state: stateOf(plan.stages.length) },
  ];
}

/** A stage in two or three words. */
export function stageLabel(stage: RolloutStage): string {
  if (stage.kind === 'replay') return 'Replay';
  if (stage.kind === 'shadow') return stage.samplePercent === 100 ? 'Shadow' : `Shadow ${stage.samplePercent} %`;
  return `${stage.weightPercent} % live`;
}

/** What a stage asks for before the next one begins. */
export function stageNote(stage: RolloutStage): string {
  const parts: string[] = [];
  if (stage.kind === 'replay') parts.push(`${formatCount(stage.requests)} recorded requests`);
  else {
    if (stage.minDurationSeconds > 0) parts.push(`≥ ${duration(stage.minDurationSeconds)}`);
    if (stage.minRequests > 0) parts.push(`≥ ${formatCount(stage.minRequests)} answers`);
  }
  if (stage.approval) parts.push('approval');
  return parts.length === 0 ? 'guards pass' : parts.join(', ');
}

function endLabel(plan: RolloutPlan): string {
  if (plan.afterStages === 'end') return 'End';
  return '100 %';
}

function endNote(plan: RolloutPlan): string {
  if (plan.afterStages === 'end') return 'stable stays';
  return plan.afterStages === 'hold' ? 'when a person says so' : 'promoted by itself';
}

/** Seconds as people say them: 90 → "90 s", 600 → "10 min". */
export function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3_600)} h`;
}

/** The verbs of a transition as people read them. */
export function transitionWords(action: string): string {
  return action.replaceAll('_', ' ');
}

/** `all-at-once` as people read it. */
export function strategyWords(strategy: string): string {
  return strategy === 'blue-green' ? 'blue/green' : strategy.replaceAll('-', ' ');
}
