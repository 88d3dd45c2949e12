'use client';

import type { ModelView, VersionView } from '@slipway/contracts';
import Link from 'next/link';
import { useState } from 'react';
import { Button, ButtonLink } from '@/components/button';
import { CopyIcon } from '@/components/copy';
import { DeployDialog } from '@/components/deploy/deploy-dialog';
import { Empty, ListView, QueryView } from '@/components/faces';
import { PageHeader, Panel } from '@/components/panel';
import { SplitBar } from '@/components/split-bar';
import { Status } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Actor, Ago, Raw } from '@/components/text';
import { useDeployments } from '@/lib/api/deployments';
import { useModel, useVersions } from '@/lib/api/models';
import { formatBytes, shortDigest } from '@/lib/text/format-number';
import { AliasChips } from './alias-chips';
import { AliasDialog } from './alias-dialog';
import { signatureLine } from './signature-line';
import { UploadDialog } from './upload-dialog';

/** A model: its versions, its aliases, where it is deployed. */
export function ModelPage({ name }: { readonly name: string }) {
  const model = useModel(name);
  return <QueryView query={model}>{(value) => <Loaded model={value} />}</QueryView>;
}

function Loaded({ model }: { readonly model: ModelView }) {
  const versions = useVersions(model.name);
  const [uploading, setUploading] = useState(false);
  const [deploying, setDeploying] = useState<number>();
  const [aliasing, setAliasing] = useState(false);
  const hasReady = versions.items?.some((each) => each.status === 'READY') ?? false;
  const upload = (
    <Button kind={versions.items?.length === 0 ? 'primary' : 'plain'} icon="upload" onClick={() => setUploading(true)}>
      Upload version
    </Button>
  );
  return (
    <>
      <PageHeader
        title={<Raw max={128}>{model.name}</Raw>}
        above={[{ href: '/models', label: 'Models' }]}
        below={model.description === '' ? undefined : <Raw max={600}>{model.description}</Raw>}
        actions={
          <>
            <ButtonLink kind="quiet" href={`/models/${encodeURIComponent(model.name)}/evaluations`}>
              Evaluations
            </ButtonLink>
            {hasReady && (
              <Button kind="quiet" onClick={() => setAliasing(true)}>
                Set alias
              </Button>
            )}
            {upload}
            {hasReady && (
              <Button kind="primary" icon="deploy" onClick={() => setDeploying(0)}>
                Deploy
              </Button>
            )}
          </>
        }
      />
      <div className="flex flex-col gap-4">
        <Panel title="Versions" note="immutable, newest first">
          <ListView
            list={versions}
            empty={
              <Empty icon="upload" title="No version yet" action={upload}>
                Upload an ONNX file, here or with <code className="font-mono text-xs">curl --data-binary @model.onnx</code> to{' '}
                <code className="font-mono text-xs">/v1/models/{model.name}/versions</code>.
              </Empty>
            }
          >
            {(items) => (
              <Table
                caption="Versions"
                columns={columnsFor(model, setDeploying)}
                rows={items.toSorted((a, b) => b.version - a.version)}
                rowKey={(row) => row.id}
              />
            )}
          </ListView>
        </Panel>
        <DeployedAs model={model.name} />
      </div>
      {uploading && <UploadDialog model={model.name} onClose={() => setUploading(false)} onDeploy={setDeploying} />}
      {aliasing && <AliasDialog model={model} versions={versions.items ?? []} onClose={() => setAliasing(false)} />}
      {deploying !== undefined && (
        <DeployDialog model={model.name} {...(deploying > 0 && { version: deploying })} onClose={() => setDeploying(undefined)} />
      )}
    </>
  );
}

function columnsFor(model: ModelView, onDeploy: (version: number) => void): readonly Column<VersionView>[] {
  return [
    {
      header: 'Version',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <div className="flex w-full items-center justify-between gap-3 md:justify-start">
          <Link
            href={`/models/${encodeURIComponent(model.name)}/versions/${row.version}`}
            className="font-semibold hover:underline max-md:text-[0.9375rem]"
          >
            v{row.version}
          </Link>
          <Status value={row.status} title={row.reasons[0]} />
        </div>
      ),
    },
    {
      header: 'Takes and gives',
      narrow: 'wide',
      cell: (row) =>
        row.status === 'REJECTED' ? (
          <span className="text-bad">
            <Raw max={160}>{row.reasons[0] ?? 'no reason given'}</Raw>
          </span>
        ) : (
          <Raw max={110} mono>
            {signatureLine(row.signature)}
          </Raw>
        ),
    },
    { header: 'Aliases', cell: (row) => <AliasChips aliases={model.aliases} version={row.version} /> },
    { header: 'Size', align: 'end', cell: (row) => formatBytes(row.sizeBytes) },
    {
      header: 'File',
      narrow: 'hide',
      cell: (row) => (
        <span className="flex items-center gap-1">
          <code className="font-mono text-xs" title={`sha256:${row.digest}`}>
            {shortDigest(row.digest)}
          </code>
          <CopyIcon text={row.digest} label={`Copy the digest of version ${row.version}`} />
        </span>
      ),
    },
    {
      header: 'Uploaded',
      cell: (row) => (
        <span className="leading-4">
          <Ago at={row.createdAt} />
          <span className="block text-xs text-ink-3">
            <Actor name={row.createdBy} />
          </span>
        </span>
      ),
    },
    {
      header: 'Do',
      align: 'end',
      narrow: 'wide',
      cell: (row) =>
        row.status === 'READY' ? (
          <Button icon="deploy" onClick={() => onDeploy(row.version)} aria-label={`Deploy version ${row.version}`}>
            Deploy
          </Button>
        ) : null,
    },
  ];
}

function DeployedAs({ model }: { readonly model: string }) {
  const deployments = useDeployments().items?.filter((each) => each.model === model) ?? [];
  if (deployments.length === 0) return null;
  return (
    <Panel title="Deployed as">
      <ul className="divide-y divide-line">
        {deployments.map((each) => (
          <li key={each.id} className="flex flex-wrap items-center gap-x-4 gap-y-1 px-4 py-2.5 text-[0.8125rem]">
            <Link href={`/deployments/${encodeURIComponent(each.name)}`} className="font-semibold hover:underline">
              <Raw>{each.name}</Raw>
            </Link>
            <Status value={each.status} />
            <SplitBar split={each.split} />
          </li>
        ))}
      </ul>
    </Panel>
  );
}
