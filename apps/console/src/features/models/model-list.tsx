'use client';

import type { ModelView } from '@slipway/contracts';
import Link from 'next/link';
import { useState } from 'react';
import { Button } from '@/components/button';
import { Empty, ListView } from '@/components/faces';
import { PageHeader } from '@/components/panel';
import { type Column, Table } from '@/components/table';
import { Ago, Raw } from '@/components/text';
import { useModels } from '@/lib/api/models';
import { formatCount } from '@/lib/text/format-number';
import { AliasChips } from './alias-chips';
import { CreateModelDialog } from './create-model-dialog';

const columns: readonly Column<ModelView>[] = [
  {
    header: 'Model',
    isName: true,
    narrow: 'title',
    cell: (model) => (
      <div className="min-w-0">
        <Link href={`/models/${encodeURIComponent(model.name)}`} className="font-semibold hover:underline max-md:text-[0.9375rem]">
          <Raw max={60}>{model.name}</Raw>
        </Link>
        {model.description !== '' && (
          <p className="max-w-[36rem] text-xs font-normal text-ink-3">
            <Raw max={120}>{model.description}</Raw>
          </p>
        )}
      </div>
    ),
  },
  { header: 'Latest', cell: (model) => (model.latestVersion === null ? <span className="text-ink-3">none</span> : `v${model.latestVersion}`) },
  { header: 'Versions', align: 'end', cell: (model) => formatCount(model.versionCount) },
  { header: 'Aliases', narrow: 'wide', cell: (model) => <AliasChips aliases={model.aliases} /> },
  { header: 'Created', cell: (model) => <Ago at={model.createdAt} /> },
];

/** All models. */
export function ModelList() {
  const models = useModels();
  const [creating, setCreating] = useState(false);
  const add = (
    <Button kind="primary" icon="plus" onClick={() => setCreating(true)}>
      Add model
    </Button>
  );
  return (
    <>
      <PageHeader title="Models" below="A model is a family of versions; each version is one immutable file." actions={add} />
      <section aria-label="Models" className="card overflow-hidden">
        <ListView
          list={models}
          empty={
            <Empty icon="model" title="No models yet" action={add}>
              Add a model, then upload an ONNX file as its first version. It is checked in a child process with limits before anything can be
              deployed.
            </Empty>
          }
        >
          {(items) => <Table caption="Models" columns={columns} rows={items} rowKey={(model) => model.id} />}
        </ListView>
      </section>
      {creating && <CreateModelDialog onClose={() => setCreating(false)} />}
    </>
  );
}
