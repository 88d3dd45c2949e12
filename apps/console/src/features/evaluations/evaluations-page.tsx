'use client';

import type { DatasetView, EvaluationItem, Gate } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import Link from 'next/link';
import { useRouter } from 'next/navigation';
import { useState } from 'react';
import { Button, IconButton } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { Empty, ListView, QueryView } from '@/components/faces';
import { PageHeader, Panel } from '@/components/panel';
import { Badge, Status } from '@/components/status';
import { type Column, Table } from '@/components/table';
import { Actor, Ago, Raw } from '@/components/text';
import { callVoid, path } from '@/lib/api/api.client';
import { useDatasets, useEvaluations, useGates } from '@/lib/api/evaluations';
import { formatCount, formatNumber } from '@/lib/text/format-number';
import { MeasureText } from './measure-text';
import { mainMetrics, metricWords } from './metric-words';
import { UploadDatasetDialog } from './upload-dataset-dialog';

/** Labelled sets of a model, how its versions did on them, and what a version must show. */
export function EvaluationsPage({ model }: { readonly model: string }) {
  const [uploading, setUploading] = useState(false);
  const upload = (
    <Button kind="primary" icon="upload" onClick={() => setUploading(true)}>
      Add labelled set
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Evaluations"
        above={[
          { href: '/models', label: 'Models' },
          { href: `/models/${encodeURIComponent(model)}`, label: model },
        ]}
        below="Every new version is tried on the labelled sets, before anybody calls it."
        actions={upload}
      />
      <div className="flex flex-col gap-4">
        <Results model={model} />
        <Datasets model={model} upload={upload} />
        <Gates model={model} />
      </div>
      {uploading && <UploadDatasetDialog model={model} onClose={() => setUploading(false)} />}
    </>
  );
}

function Results({ model }: { readonly model: string }) {
  const router = useRouter();
  const evaluations = useEvaluations(model);
  const [chosen, setChosen] = useState<readonly EvaluationItem[]>([]);
  const dataset = chosen[0]?.dataset;
  const toggle = (item: EvaluationItem) =>
    setChosen(chosen.some(({ id }) => id === item.id) ? chosen.filter(({ id }) => id !== item.id) : [...chosen, item].slice(-4));
  const address = `/models/${encodeURIComponent(model)}/compare?versions=${chosen.map(({ version }) => version).join(',')}&dataset=${encodeURIComponent(dataset ?? '')}`;
  return (
    <Panel
      title="Results"
      note="tick two to four of one labelled set to compare them"
      actions={
        <Button disabled={chosen.length < 2} onClick={() => router.push(address)}>
          Compare
        </Button>
      }
      className="overflow-hidden"
    >
      <ListView
        list={evaluations}
        empty={
          <Empty icon="table" title="Nothing evaluated yet">
            Add a labelled set; the versions that are in use are evaluated on it by themselves, and so is every new one.
          </Empty>
        }
      >
        {(items) => (
          <Table
            caption="Results"
            columns={resultColumns(model, chosen, toggle, mainMetrics([...new Set(items.flatMap((each) => Object.keys(each.metrics ?? {})))]))}
            rows={items}
            rowKey={(row) => row.id}
          />
        )}
      </ListView>
    </Panel>
  );
}

function resultColumns(
  model: string,
  chosen: readonly EvaluationItem[],
  toggle: (item: EvaluationItem) => void,
  metrics: readonly string[],
): readonly Column<EvaluationItem>[] {
  const isTicked = (row: EvaluationItem) => chosen.some(({ id }) => id === row.id);
  const isOpen = (row: EvaluationItem) =>
    row.status === 'COMPLETED' && chosen.every((each) => each.dataset === row.dataset && (each.id === row.id || each.version !== row.version));
  return [
    {
      header: 'Version',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <span className="flex w-full flex-wrap items-center justify-between gap-3 md:justify-start">
          <label className="flex min-h-6 items-center gap-2 font-semibold">
            <input
              type="checkbox"
              aria-label={`Compare v${row.version} on ${row.dataset}`}
              checked={isTicked(row)}
              disabled={!isTicked(row) && !isOpen(row)}
              onChange={() => toggle(row)}
            />
            <Link href={`/models/${encodeURIComponent(model)}/versions/${row.version}`} className="hover:underline">
              v{row.version}
            </Link>
          </label>
          {row.status !== 'COMPLETED' && <Status value={row.status} title={row.reason ?? undefined} />}
        </span>
      ),
    },
    { header: 'On', cell: (row) => <Raw max={40}>{row.dataset}</Raw> },
    ...metrics.map((metric) => ({
      header: metricWords(metric),
      align: 'end' as const,
      cell: (row: EvaluationItem) => <MeasureText measure={row.metrics?.[metric]} />,
    })),
    {
      header: 'Rows',
      align: 'end',
      cell: (row) => (row.rows === null ? '–' : `${formatCount(row.rows.answered)} of ${formatCount(row.rows.labelled)}`),
    },
    {
      header: 'When',
      cell: (row) =>
        row.reason !== null && row.status === 'FAILED' ? (
          <span className="text-bad">
            <Raw max={160}>{row.reason}</Raw>
          </span>
        ) : (
          <Ago at={row.finishedAt ?? row.createdAt} />
        ),
    },
  ];
}

function Datasets({ model, upload }: { readonly model: string; readonly upload: React.ReactNode }) {
  const client = useQueryClient();
  const datasets = useDatasets(model);
  const [removing, setRemoving] = useState<DatasetView>();
  return (
    <Panel title="Labelled sets" note="files with the truth in a column; they never change" className="overflow-hidden">
      <ListView
        list={datasets}
        rows={2}
        empty={
          <Empty icon="upload" title="No labelled set" action={upload}>
            A CSV, NDJSON or Parquet file with the inputs of the model and a column with the true class or value.
          </Empty>
        }
      >
        {(items) => <Table caption="Labelled sets" columns={datasetColumns(setRemoving)} rows={items} rowKey={(row) => row.id} />}
      </ListView>
      {removing !== undefined && (
        <ConfirmDialog
          title={`Delete ${removing.name}`}
          action="Delete"
          danger
          act={async () => {
            await callVoid(path`/v1/models/${model}/datasets/${removing.name}`, { method: 'DELETE' });
            await client.invalidateQueries({ queryKey: ['models'] });
          }}
          onClose={() => setRemoving(undefined)}
        >
          Refused while results or gates refer to it.
        </ConfirmDialog>
      )}
    </Panel>
  );
}

function datasetColumns(onRemove: (dataset: DatasetView) => void): readonly Column<DatasetView>[] {
  return [
    {
      header: 'Name',
      isName: true,
      narrow: 'title',
      cell: (row) => (
        <span className="font-semibold">
          <Raw max={60}>{row.name}</Raw>
        </span>
      ),
    },
    { header: 'Rows', align: 'end', cell: (row) => formatCount(row.labels.rows) },
    {
      header: 'Labels',
      narrow: 'wide',
      cell: (row) => (
        <Raw max={120}>
          {`${row.options.labelColumn}: ${
            row.labels.classes === null
              ? `${formatNumber(row.labels.min)} to ${formatNumber(row.labels.max)}`
              : row.labels.classes
                  .slice(0, 6)
                  .map(({ label, count }) => `${label} (${count})`)
                  .join(', ')
          }`}
        </Raw>
      ),
    },
    { header: 'New versions', cell: (row) => (row.automatic ? <Badge tone="ok">by itself</Badge> : <Badge tone="idle">on request</Badge>) },
    {
      header: 'Added',
      cell: (row) => (
        <span>
          <Ago at={row.createdAt} /> by <Actor name={row.createdBy} />
        </span>
      ),
    },
    { header: 'Do', align: 'end', cell: (row) => <IconButton icon="trash" label={`Delete ${row.name}`} onClick={() => onRemove(row)} /> },
  ];
}

function Gates({ model }: { readonly model: string }) {
  const gates = useGates(model);
  return (
    <Panel title="Gates" note="what a version must show before it is deployed or gets an alias" className="overflow-hidden">
      <QueryView query={gates}>
        {(value) =>
          value.gates.length === 0 ? (
            <Empty icon="check-circle" title="No gate">
              Set them with <code className="font-mono text-xs">PUT /v1/models/{model}/gates</code>, for example: F1 on a labelled set not more than
              0.01 below the version that the alias champion names.
            </Empty>
          ) : (
            <ul className="divide-y divide-line text-[0.8125rem]">
              {value.gates.map((gate) => (
                <li key={gateSentence(gate)} className="px-4 py-2.5">
                  <Raw max={300}>{gateSentence(gate)}</Raw>
                  <span className="block text-xs text-ink-3">asked before: {gate.appliesTo.join(', ')}</span>
                </li>
              ))}
            </ul>
          )
        }
      </QueryView>
    </Panel>
  );
}

function gateSentence(gate: Gate): string {
  const metric = `${metricWords(gate.metric)} on ${gate.dataset}`;
  if (gate.comparison === 'at_least') return `${metric} of at least ${gate.value}`;
  if (gate.comparison === 'at_most') return `${metric} of at most ${gate.value}`;
  return `${metric} not worse than that of ${gate.alias}${gate.tolerance > 0 ? ` by more than ${gate.tolerance}` : ''}`;
}
