'use client';

import { type JudgementKind, type JudgementView, judgementKinds } from '@slipway/contracts';
import { useState } from 'react';
import { Button, ButtonLink } from '@/components/button';
import { Stat, StatRow } from '@/components/charts/stat';
import { Empty, Loading, QueryView } from '@/components/faces';
import { JudgementTable } from '@/components/judgement-table';
import { Panel } from '@/components/panel';
import { useJudgements } from '@/lib/api/watch';
import { formatCount } from '@/lib/text/format-number';
import { Anomalies } from './anomalies';
import { kindWords } from './kind-words';
import { SettingsDialog } from './settings-dialog';

/** Everything that is judged of a deployment, in one place: what alarms, what is fine, what cannot be told yet. */
export function Watch({ name }: { readonly name: string }) {
  const judgements = useJudgements(name);
  const [open, setOpen] = useState(false);
  return (
    <>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <p className="text-xs text-ink-3">The newest judgement of each thing. Rules, the console and the API read the same.</p>
        <span className="flex gap-2">
          <ButtonLink icon="bell" href={`/alerts/rules?new=1&deployment=${encodeURIComponent(name)}`}>
            Add a rule
          </ButtonLink>
          <Button icon="list" onClick={() => setOpen(true)}>
            How it is judged
          </Button>
        </span>
      </div>
      <QueryView query={judgements} loading={<Loading rows={8} />}>
        {({ items }) => (items.length === 0 ? <Nothing /> : <Kinds items={items} />)}
      </QueryView>
      <Anomalies name={name} />
      {open && <SettingsDialog name={name} onClose={() => setOpen(false)} />}
    </>
  );
}

function Nothing() {
  return (
    <div className="card">
      <Empty icon="list" title="Nothing has been judged yet">
        Judgements are made from live traffic: traffic, latency and failures within minutes, drift and quality once an hour has ended and enough rows
        or labels have come.
      </Empty>
    </div>
  );
}

function Kinds({ items }: { readonly items: readonly JudgementView[] }) {
  const count = (verdict: JudgementView['verdict']) => items.filter((each) => each.verdict === verdict).length;
  return (
    <>
      <StatRow>
        <Stat name="Alarms" value={formatCount(count('alarm'))} />
        <Stat name="As they should be" value={formatCount(count('ok'))} />
        <Stat name="Too little to judge" value={formatCount(count('insufficient'))} />
      </StatRow>
      <div className="flex flex-col gap-4">
        {kindsInOrder(items).map((kind) => {
          const own = items.filter((each) => each.kind === kind);
          return (
            <Panel key={kind} title={kindWords[kind].title} note={kindWords[kind].note} className="overflow-hidden">
              <JudgementTable caption={kindWords[kind].title} judgements={own} what={kindWords[kind].subject} />
            </Panel>
          );
        })}
      </div>
    </>
  );
}

/** Kinds with an alarm first. */
function kindsInOrder(items: readonly JudgementView[]): JudgementKind[] {
  const alarming = new Set(items.filter((each) => each.verdict === 'alarm').map(({ kind }) => kind));
  const present = judgementKinds.filter((kind) => items.some((each) => each.kind === kind));
  return [...present.filter((kind) => alarming.has(kind)), ...present.filter((kind) => !alarming.has(kind))];
}
