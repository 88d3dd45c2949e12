'use client';

import type { ReplayDifferenceView, ReplayView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import Link from 'next/link';
import { useState } from 'react';
import { Button } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { Empty, QueryView } from '@/components/faces';
import { Facts, PageHeader, Panel } from '@/components/panel';
import { Status } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Actor, Ago, Raw } from '@/components/text';
import { callVoid, path } from '@/lib/api/api.client';
import { useReplay, useReplayDifferences } from '@/lib/api/replays';
import { formatCount, formatNumber, formatRatio, formatSeconds } from '@/lib/text/format-number';

/** One replay: how the version answered recorded requests, beside what was answered then. */
export function ReplayPage({ id }: { readonly id: string }) {
  const replay = useReplay(id);
  return <QueryView query={replay}>{(value) => <Loaded replay={value} />}</QueryView>;
}

function Loaded({ replay }: { readonly replay: ReplayView }) {
  const { pairs, candidate, stable, sameVersion } = replay;
  const word = replay.failure ?? replay.waitingFor ?? replay.summary;
  return (
    <>
      <PageHeader
        title={`Replay on v${replay.version}`}
        above={[
          { href: '/', label: 'Overview' },
          { href: `/deployments/${encodeURIComponent(replay.deployment)}/replays`, label: replay.deployment },
        ]}
        beside={<Status value={replay.status} />}
        below={<Raw max={600}>{word}</Raw>}
        actions={replay.finishedAt === null && <Cancel id={replay.id} />}
      />
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Panel title="Answers">
          <Facts
            items={[
              ['Requests', `${formatCount(replay.requests.done)} of ${formatCount(replay.requests.planned)}`],
              ['Rows compared', formatCount(pairs.rows)],
              ['Other labels', pairs.flipShare === null ? '–' : `${formatCount(pairs.flips)} (${formatRatio(pairs.flipShare)})`],
              ['Mean distance', formatNumber(pairs.meanDistance)],
              ['Failed', `${formatCount(candidate.errors)}, then ${formatCount(stable.errors)}`],
              ['Invalid values', `${formatCount(candidate.invalidOutputs)}, then ${formatCount(stable.invalidOutputs)}`],
              ...(sameVersion.compared > 0
                ? [['Same bits', `${formatCount(sameVersion.equal)} of ${formatCount(sameVersion.compared)}`] as const]
                : []),
            ]}
          />
        </Panel>
        <Panel title="Time of the model alone">
          <Facts
            items={[
              ['Median', `${inMs(candidate.compute.p50Ms)}, stable ${inMs(stable.compute.p50Ms)}`],
              ['95 %', `${inMs(candidate.compute.p95Ms)}, stable ${inMs(stable.compute.p95Ms)}`],
              ['99 %', `${inMs(candidate.compute.p99Ms)}, stable ${inMs(stable.compute.p99Ms)}`],
              [
                'Started',
                <span key="started">
                  <Ago at={replay.createdAt} /> by <Actor name={replay.createdBy} />
                </span>,
              ],
              ...(replay.rollout === null
                ? []
                : [
                    [
                      'For',
                      <Link key="rollout" className="link" href={`/deployments/${encodeURIComponent(replay.deployment)}/rollout`}>
                        a rollout
                      </Link>,
                    ] as const,
                  ]),
            ]}
          />
        </Panel>
        <Differences replay={replay} />
      </div>
    </>
  );
}

function inMs(value: number | null): string {
  return value === null ? '–' : formatSeconds(value / 1_000);
}

function Cancel({ id }: { readonly id: string }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  return (
    <>
      <Button icon="x" onClick={() => setAsking(true)}>
        Cancel
      </Button>
      {asking && (
        <ConfirmDialog
          title="Cancel this replay"
          action="Cancel it"
          act={async () => {
            await callVoid(path`/v1/replays/${id}/cancel`, { method: 'POST', body: {} });
            await client.invalidateQueries({ queryKey: ['replays'] });
          }}
          onClose={() => setAsking(false)}
        >
          What has been compared so far stays.
        </ConfirmDialog>
      )}
    </>
  );
}

function Differences({ replay }: { readonly replay: ReplayView }) {
  const differences = useReplayDifferences(replay.id, replay.requests.done);
  return (
    <Panel title="The most different requests" note="side by side, as far as they are kept" className="overflow-hidden lg:col-span-2">
      <QueryView query={differences}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty icon="check-circle" title="No difference so far">
              Requests that both versions answer differently are listed here.
            </Empty>
          ) : (
            <Table caption="The most different requests" columns={columns} rows={items} rowKey={(row) => row.predictionId} />
          )
        }
      </QueryView>
    </Panel>
  );
}

const columns: readonly Column<ReplayDifferenceView>[] = [
  {
    header: 'Request',
    isName: true,
    narrow: 'title',
    cell: (row) => (
      <span className="leading-4">
        <Link href={`/predictions/${encodeURIComponent(row.predictionId)}`} className="font-mono text-xs hover:underline">
          {row.predictionId.slice(-10)}
        </Link>
        <span className="block text-xs font-normal text-ink-3">
          <Ago at={row.at} />
        </span>
      </span>
    ),
  },
  { header: 'Then', cell: (row) => <Answer answer={row.stable} /> },
  { header: 'Now', cell: (row) => <Answer answer={row.candidate} /> },
  { header: 'Other labels', align: 'end', cell: (row) => `${formatCount(row.flips)} of ${formatCount(row.rows)}` },
  { header: 'Distance', align: 'end', cell: (row) => formatNumber(row.distance) },
  {
    header: 'Inputs',
    narrow: 'wide',
    cell: (row) => (
      <Raw max={200} mono>
        {row.inputs === null ? 'not kept any more' : row.inputs.map((input) => `${input.name}: ${input.values.join(', ')}`).join('; ')}
      </Raw>
    ),
  },
];

function Answer({ answer }: { readonly answer: ReplayDifferenceView['stable'] }) {
  const text = answer.error ?? answer.predictions.map((prediction, row) => `${prediction ?? 'none'}${scoreText(answer.scores[row])}`).join(', ');
  return (
    <span>
      v{answer.version}: <Raw max={120}>{text}</Raw>
    </span>
  );
}

function scoreText(score: number | null | undefined): string {
  return score === null || score === undefined ? '' : ` (${formatNumber(score)})`;
}
