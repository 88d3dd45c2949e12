'use client';

import type { TensorSignature, VersionDetail, VersionView } from '@slipway/contracts';
import { useState } from 'react';
import { Button } from '@/components/button';
import { CopyIcon } from '@/components/copy';
import { DeployDialog } from '@/components/deploy/deploy-dialog';
import { QueryView } from '@/components/faces';
import { Facts, PageHeader, Panel } from '@/components/panel';
import { Badge, Status } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Actor, Ago, Raw } from '@/components/text';
import { ReferencesPanel } from '@/features/references/references-panel';
import { useModel, useVersion } from '@/lib/api/models';
import { formatBytes, formatCount, formatSeconds } from '@/lib/text/format-number';
import { safeProse } from '@/lib/text/safe-text';
import { AliasChips } from './alias-chips';
import { ArchiveButton } from './archive-button';
import { CardPanel } from './card-panel';
import { shapeText } from './signature-line';
import { TaskPanel } from './task-panel';

/** One version: file, verdict, signature, task, what the file says about itself. */
export function VersionPage({ name, version }: { readonly name: string; readonly version: number }) {
  const query = useVersion(name, version);
  return <QueryView query={query}>{(value) => <Loaded version={value} />}</QueryView>;
}

function Loaded({ version }: { readonly version: VersionDetail }) {
  const aliases = useModel(version.model).data?.aliases ?? [];
  const [deploying, setDeploying] = useState(false);
  return (
    <>
      <PageHeader
        title={`v${version.version}`}
        above={[
          { href: '/models', label: 'Models' },
          { href: `/models/${encodeURIComponent(version.model)}`, label: version.model },
        ]}
        beside={version.archivedAt === null ? <Status value={version.status} /> : <Badge tone="idle">Archived</Badge>}
        below={version.description === '' ? undefined : <p className="raw max-w-[60rem] whitespace-pre-line">{safeProse(version.description)}</p>}
        actions={
          version.status === 'READY' && (
            <>
              <ArchiveButton version={version} />
              {version.archivedAt === null && (
                <Button kind="primary" icon="deploy" onClick={() => setDeploying(true)}>
                  Deploy
                </Button>
              )}
            </>
          )
        }
      />
      {version.reasons.length > 0 && <Reasons version={version} />}
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <Panel title="Signature" className="overflow-hidden lg:col-span-2">
          {version.signature === null ? (
            <p className="p-4 text-[0.8125rem] text-ink-3">Read when the version has been validated.</p>
          ) : (
            <Table
              caption="Signature"
              columns={tensorColumns}
              rows={[
                ...version.signature.inputs.map((tensor) => ({ tensor, side: 'input' })),
                ...version.signature.outputs.map((tensor) => ({ tensor, side: 'output' })),
              ]}
              rowKey={(row) => `${row.side}:${row.tensor.name}`}
            />
          )}
        </Panel>
        <Panel title="File">
          <Facts
            items={[
              ['Name', version.fileName === null ? '–' : <Raw key="name">{version.fileName}</Raw>],
              ['Size', formatBytes(version.sizeBytes)],
              ['SHA-256', <Digest key="digest" digest={version.digest} />],
              ['Aliases', <AliasChips key="aliases" aliases={aliases} version={version.version} />],
              [
                'Uploaded',
                <span key="uploaded">
                  <Ago at={version.createdAt} /> by <Actor name={version.createdBy} />
                </span>,
              ],
              ['Load time', version.footprint === null ? '–' : formatSeconds(version.footprint.loadMs / 1_000)],
              ['One run', version.footprint?.runMs == null ? '–' : formatSeconds(version.footprint.runMs / 1_000)],
              ['By rows', <Latencies key="latencies" version={version} />],
              ['Memory', version.footprint === null ? '–' : formatBytes(version.footprint.rssBytes)],
            ]}
          />
        </Panel>
        <TaskPanel version={version} />
        {version.status === 'READY' && <ReferencesPanel version={version} />}
        <CardPanel version={version} />
        <About version={version} />
        <Provenance version={version} />
      </div>
      {deploying && <DeployDialog model={version.model} version={version.version} onClose={() => setDeploying(false)} />}
    </>
  );
}

/** Median time of a run by the number of rows, as measured while validating. */
function Latencies({ version }: { readonly version: VersionView }) {
  const latencies = version.footprint?.latencies ?? [];
  if (latencies.length === 0) return <span className="text-ink-3">–</span>;
  return <span>{latencies.map(({ rows, medianMs }) => `${rows}: ${formatSeconds(medianMs / 1_000)}`).join(' · ')}</span>;
}

function Reasons({ version }: { readonly version: VersionView }) {
  const rejected = version.status === 'REJECTED';
  return (
    <div className={`mb-4 rounded-lg px-4 py-3 text-[0.8125rem] ${rejected ? 'bg-bad-soft text-bad' : 'bg-warn-soft text-warn'}`}>
      <p className="font-medium">{rejected ? 'This version was rejected' : 'Notes from the validation'}</p>
      <ul className="mt-1 list-disc pl-5">
        {version.reasons.slice(0, 20).map((reason) => (
          <li key={reason}>
            <Raw max={600}>{reason}</Raw>
          </li>
        ))}
      </ul>
    </div>
  );
}

interface TensorRow {
  readonly tensor: TensorSignature;
  readonly side: string;
}

const tensorColumns: readonly Column<TensorRow>[] = [
  {
    header: 'Name',
    isName: true,
    narrow: 'title',
    cell: ({ tensor }) => (
      <Raw max={96} mono>
        {tensor.name}
      </Raw>
    ),
  },
  { header: 'Side', cell: ({ side, tensor }) => `${side}${tensor.optional === true ? ', optional' : ''}` },
  { header: 'Datatype', cell: ({ tensor }) => <code className="font-mono text-xs">{tensor.datatype}</code> },
  { header: 'Shape', cell: ({ tensor }) => <code className="font-mono text-xs">{shapeText(tensor.shape)}</code> },
];

function Digest({ digest }: { readonly digest: string }) {
  return (
    <span className="flex items-start gap-1">
      <code className="raw font-mono text-xs leading-5">{digest}</code>
      <CopyIcon text={digest} label="Copy the digest" />
    </span>
  );
}

function About({ version }: { readonly version: VersionView }) {
  const { metadata } = version;
  if (metadata === null) return null;
  const opsets = Object.entries(metadata.opsets).map(([domain, number]) => `${domain === '' ? 'ai.onnx' : domain} ${number}`);
  const operators = Object.entries(metadata.operators).toSorted((a, b) => b[1] - a[1]);
  return (
    <Panel title="What the file says" note="free text of its producer">
      <Facts
        items={[
          [
            'Producer',
            metadata.producer === null ? '–' : <Raw key="producer" max={120}>{`${metadata.producer} ${metadata.producerVersion ?? ''}`}</Raw>,
          ],
          [
            'Opsets',
            <Raw key="opsets" max={160}>
              {opsets.join(', ') || '–'}
            </Raw>,
          ],
          ['IR version', metadata.irVersion ?? '–'],
          ['Nodes', formatCount(metadata.nodeCount)],
          [
            'Operators',
            <Raw key="operators" max={240}>
              {operators
                .slice(0, 12)
                .map(([name, count]) => `${name} ×${count}`)
                .join(', ') || '–'}
            </Raw>,
          ],
          ...Object.entries(metadata.properties)
            .slice(0, 12)
            .map(
              ([name, value]) =>
                [
                  name.slice(0, 40),
                  <Raw key={name} max={240}>
                    {value}
                  </Raw>,
                ] as const,
            ),
        ]}
      />
      {metadata.docString !== null && metadata.docString !== '' && (
        <p className="raw border-t border-line p-4 text-xs whitespace-pre-line text-ink-2">{safeProse(metadata.docString)}</p>
      )}
    </Panel>
  );
}

function Provenance({ version }: { readonly version: VersionView }) {
  const entries = [...Object.entries(version.provenance), ...Object.entries(version.tags)].slice(0, 40);
  if (entries.length === 0) return null;
  return (
    <Panel title="Provenance">
      <Facts
        items={entries.map(([name, value]) => [
          name.slice(0, 40),
          <Raw key={name} max={240}>
            {typeof value === 'string' ? value : JSON.stringify(value)}
          </Raw>,
        ])}
      />
    </Panel>
  );
}
