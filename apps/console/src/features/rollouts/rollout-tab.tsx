'use client';

import type { RolloutDetail } from '@slipway/contracts';
import { strategyWords } from '@/components/deploy/stage-words';
import { Empty, Loading, QueryView } from '@/components/faces';
import { Icon } from '@/components/icon';
import { Facts, Panel } from '@/components/panel';
import { Status } from '@/components/status';
import { Actor, Ago, Raw } from '@/components/text';
import { useRollout } from '@/lib/api/rollouts';
import { formatCount } from '@/lib/text/format-number';
import { formatFull } from '@/lib/time/format-time';
import { JudgementList } from './judgement-list';
import { RolloutActions } from './rollout-actions';
import { ShadowPanel } from './shadow-panel';
import { StageTrack } from './stage-track';
import { TransitionList } from './transition-list';

/** The newest rollout: where it is, what the guards say, how it got there; and the shadows beside it. */
export function RolloutTab({ name }: { readonly name: string }) {
  const rollout = useRollout(name);
  return (
    <div className="flex flex-col gap-4">
      <QueryView query={rollout} loading={<Loading rows={6} />}>
        {(value) => (value === null ? <None /> : <Walk name={name} rollout={value} />)}
      </QueryView>
      <ShadowPanel name={name} />
    </div>
  );
}

function None() {
  return (
    <Panel title="Rollout">
      <Empty icon="deploy" title="No rollout yet">
        Deploy a version with a canary or a shadow first, and this page shows step by step how it does beside the one that serves.
      </Empty>
    </Panel>
  );
}

function Walk({ name, rollout }: { readonly name: string; readonly rollout: RolloutDetail }) {
  return (
    <>
      <Panel
        title={`${rollout.fromVersion === null ? '' : `v${rollout.fromVersion} → `}v${rollout.toVersion}, ${strategyWords(rollout.strategy)}`}
        note={rollout.planName === null ? undefined : `plan ${rollout.planName}`}
        actions={
          <>
            <Status value={rollout.status} />
            <RolloutActions name={name} rollout={rollout} />
          </>
        }
      >
        <div className="p-4">
          <StageTrack rollout={rollout} />
          <Word rollout={rollout} />
        </div>
        <Facts
          items={[
            ['Started', <Started key="started" rollout={rollout} />],
            ['Live traffic', `${rollout.weightPercent} % to revision ${rollout.toRevision}`],
            ...(rollout.shadowPercent > 0 ? [['Copies', `${rollout.shadowPercent} % of the live requests`] as const] : []),
            ...(rollout.counts === null ? [] : [['Seen', <Counts key="counts" counts={rollout.counts} />] as const]),
            ...(rollout.undoUntil === null ? [] : [['Undo at once until', formatFull(rollout.undoUntil)] as const]),
          ]}
        />
      </Panel>
      <Panel
        title="What the guards say"
        note={rollout.judgedAt === null ? 'candidate beside stable, over the same time and traffic' : undefined}
        actions={
          rollout.judgedAt !== null && (
            <span className="text-xs text-ink-3">
              judged <Ago at={rollout.judgedAt} />
            </span>
          )
        }
        className="overflow-hidden"
      >
        {rollout.judgements.length === 0 ? (
          <Empty icon="clock" title="Nothing judged yet">
            Guards speak once both revisions have answered. A rollout all at once has no time to compare them.
          </Empty>
        ) : (
          <JudgementList judgements={rollout.judgements} />
        )}
      </Panel>
      <Panel title="How it went" className="overflow-hidden">
        <TransitionList transitions={rollout.transitions} />
      </Panel>
    </>
  );
}

/** The one sentence that matters now: why it waits, or why it ended. */
function Word({ rollout }: { readonly rollout: RolloutDetail }) {
  const ended = rollout.status === 'ABORTED';
  const text = ended ? (rollout.causeDetail ?? rollout.cause) : rollout.waitingFor;
  if (text === null) return null;
  const tone = ended ? 'bg-bad-soft text-bad' : rollout.status === 'PROGRESSING' ? 'bg-info-soft text-info' : 'bg-warn-soft text-warn';
  return (
    <p role="status" className={`mt-4 flex items-start gap-2 rounded-lg px-4 py-2.5 text-[0.8125rem] ${tone}`}>
      <Icon name={ended ? 'alert' : 'clock'} className="mt-0.5" />
      <Raw max={800}>{text}</Raw>
    </p>
  );
}

function Started({ rollout }: { readonly rollout: RolloutDetail }) {
  return (
    <span>
      <Ago at={rollout.startedAt} /> by <Actor name={rollout.createdBy} />
      {rollout.scheduledFor !== null && rollout.finishedAt === null && <>, not before {formatFull(rollout.scheduledFor)}</>}
      {rollout.finishedAt !== null && (
        <>
          , ended <Ago at={rollout.finishedAt} />
        </>
      )}
    </span>
  );
}

function Counts({ counts }: { readonly counts: NonNullable<RolloutDetail['counts']> }) {
  return (
    <span>
      {formatCount(counts.candidate.requests)} live answers of the candidate ({formatCount(counts.candidate.errors)} failed),{' '}
      {formatCount(counts.stable.requests)} of stable ({formatCount(counts.stable.errors)} failed), {formatCount(counts.shadow.requests)} to copies;{' '}
      {formatCount(counts.flips)} other labels in {formatCount(counts.pairs)} compared rows
    </span>
  );
}
