'use client';

import type { VersionView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { DropZone } from '@/components/drop-zone';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { UploadProgress } from '@/components/progress-bar';
import { callVoid } from '@/lib/api/api.client';
import { useDatasets } from '@/lib/api/evaluations';
import { referencesAddress } from '@/lib/api/references';
import { uploadReference } from '@/lib/api/upload.client';
import { formatBytes } from '@/lib/text/format-number';

const ways = {
  dataset: 'A labelled set of the model',
  file: 'A file of rows',
  version: 'Another version',
  traffic: 'Live traffic from now on',
} as const;
type Way = keyof typeof ways;

interface CreateReferenceDialogProps {
  readonly version: VersionView;
  readonly onClose: () => void;
}

/** Makes a reference of what is at hand; the one that was in use stays until the new one is ready. */
export function CreateReferenceDialog({ version: { model, version }, onClose }: CreateReferenceDialogProps) {
  const client = useQueryClient();
  const datasets = useDatasets(model).items ?? [];
  const [way, setWay] = useState<Way>('dataset');
  const [dataset, setDataset] = useState('');
  const [from, setFrom] = useState('1');
  const [file, setFile] = useState<File>();
  const [labelColumn, setLabelColumn] = useState('');
  const [share, setShare] = useState<number>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const abort = useRef(new AbortController());
  const isReady = { dataset: dataset !== '', file: file !== undefined, version: Number(from) >= 1, traffic: true }[way];

  const address = referencesAddress(model, version);
  const send = () => {
    if (way === 'traffic') return callVoid(`${address}/learn`, { method: 'POST', body: {} });
    if (way === 'dataset') return callVoid(address, { method: 'POST', body: { dataset } });
    if (way === 'version') return callVoid(address, { method: 'POST', body: { from: Number(from) } });
    if (file === undefined) return Promise.resolve();
    abort.current = new AbortController();
    setShare(0);
    return uploadReference({ address, labelColumn: labelColumn.trim(), file, onProgress: setShare, signal: abort.current.signal });
  };
  const submit = async () => {
    setBusy(true);
    setError(undefined);
    try {
      await send();
      await client.invalidateQueries({ queryKey: ['models', 'references'] });
      onClose();
    } catch (caught) {
      setError(caught);
      setShare(undefined);
      setBusy(false);
    }
  };
  const sending = share !== undefined;
  return (
    <Dialog
      title={`New reference for v${version}`}
      onClose={onClose}
      held={sending}
      footer={
        sending ? (
          <Button onClick={() => abort.current.abort()}>Stop the upload</Button>
        ) : (
          <>
            <Button kind="quiet" onClick={onClose}>
              Cancel
            </Button>
            <Button kind="primary" busy={busy} disabled={!isReady} onClick={() => void submit()}>
              {way === 'traffic' ? 'Learn anew' : 'Make it'}
            </Button>
          </>
        )
      }
    >
      <div className="flex flex-col gap-4">
        {sending ? (
          <UploadProgress share={share} size={formatBytes(file?.size ?? 0)} />
        ) : (
          <>
            <Field label="Made of">
              {(props) => (
                <select {...props} className="control" value={way} onChange={(event) => setWay(wayOf(event.target.value))}>
                  {Object.entries(ways).map(([value, word]) => (
                    <option key={value} value={value}>
                      {word}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            {way === 'dataset' && (
              <Field
                label="Labelled set"
                hint={datasets.length === 0 ? 'This model has none yet; add one under Evaluations.' : 'The version is run over its rows.'}
              >
                {(props) => (
                  <select {...props} className="control" value={dataset} onChange={(event) => setDataset(event.target.value)}>
                    <option value="">choose a set</option>
                    {datasets.map((each) => (
                      <option key={each.id}>{each.name}</option>
                    ))}
                  </select>
                )}
              </Field>
            )}
            {way === 'version' && (
              <Field label="Version" hint="It must take and give the same.">
                {(props) => (
                  <input {...props} type="number" min={1} className="control" value={from} onChange={(event) => setFrom(event.target.value)} />
                )}
              </Field>
            )}
            {way === 'file' && (
              <>
                <DropZone
                  file={file}
                  onFile={setFile}
                  label="Drop a file of rows here, or choose one"
                  hint="CSV, NDJSON, Parquet or Arrow; columns named like the inputs, or in their order"
                  accept=".csv,.ndjson,.jsonl,.parquet,.arrow,.feather"
                />
                <Field label="Column with the truth" optional hint="With it, quality can be estimated before labels come.">
                  {(props) => (
                    <input
                      {...props}
                      className="control"
                      autoComplete="off"
                      value={labelColumn}
                      onChange={(event) => setLabelColumn(event.target.value)}
                    />
                  )}
                </Field>
              </>
            )}
            {way === 'traffic' && (
              <p className="text-[0.8125rem] text-ink-2">
                The next rows that callers send become the reference. Until there are enough, the one in use stays.
              </p>
            )}
          </>
        )}
        <Problem error={error} />
      </div>
    </Dialog>
  );
}

function wayOf(text: string): Way {
  return text === 'file' || text === 'version' || text === 'traffic' ? text : 'dataset';
}
