'use client';

import { resultFormats } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useRef, useState } from 'react';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { DropZone } from '@/components/drop-zone';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { UploadProgress } from '@/components/progress-bar';
import { useDeployment, useDeployments } from '@/lib/api/deployments';
import { uploadBatch } from '@/lib/api/upload.client';
import { formatBytes } from '@/lib/text/format-number';
import { columnNames } from './column-names';

const accept = '.csv,.tsv,.ndjson,.jsonl,.parquet,.arrow,.feather,.arrows,text/csv,application/octet-stream';

/** Takes a file of rows and says for which deployment, then opens the job. */
export function CreateBatchDialog({ onClose }: { readonly onClose: () => void }) {
  const client = useQueryClient();
  const router = useRouter();
  const deployments = useDeployments().items ?? [];
  const [file, setFile] = useState<File>();
  const [chosen, setChosen] = useState<string>();
  const [version, setVersion] = useState('');
  const [columns, setColumns] = useState('');
  const [ids, setIds] = useState('');
  const [resultFormat, setResultFormat] = useState<string>('csv');
  const [share, setShare] = useState<number>();
  const [error, setError] = useState<unknown>();
  const abort = useRef(new AbortController());
  const deployment = chosen ?? deployments[0]?.name ?? '';

  const send = async (rows: File) => {
    abort.current = new AbortController();
    setError(undefined);
    setShare(0);
    try {
      const job = await uploadBatch({
        deployment,
        version: version === '' ? undefined : Number(version),
        columns: columnNames(columns),
        idColumns: columnNames(ids),
        resultFormat,
        file: rows,
        onProgress: setShare,
        signal: abort.current.signal,
      });
      void client.invalidateQueries({ queryKey: ['batch-predictions'] });
      router.push(`/batch-predictions/${encodeURIComponent(job.id)}`);
    } catch (caught) {
      setError(caught);
      setShare(undefined);
    }
  };

  const sending = share !== undefined;
  return (
    <Dialog
      title="New batch prediction"
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
            <Button kind="primary" icon="play" disabled={file === undefined || deployment === ''} onClick={() => file && void send(file)}>
              Start
            </Button>
          </>
        )
      }
    >
      {sending ? (
        <UploadProgress share={share} size={formatBytes(file?.size ?? 0)} />
      ) : (
        <div className="flex flex-col gap-4">
          <DropZone
            file={file}
            onFile={setFile}
            label="Drop a file of rows here, or choose one"
            hint="CSV, NDJSON, Parquet or Arrow"
            accept={accept}
          />
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="Deployment">
              {(props) => (
                <select
                  {...props}
                  className="control"
                  value={deployment}
                  onChange={(event) => {
                    setChosen(event.target.value);
                    setVersion('');
                  }}
                >
                  {deployments.map(({ name }) => (
                    <option key={name} value={name}>
                      {name}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            {deployment !== '' && <VersionField key={deployment} deployment={deployment} value={version} onChange={setVersion} />}
          </div>
          <Field
            label="Columns of the input"
            optional
            hint="In the order of the model, separated by commas. Without them: columns named like the inputs, else all columns as they stand."
          >
            {(props) => <input {...props} className="control" value={columns} onChange={(event) => setColumns(event.target.value)} />}
          </Field>
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label="Columns to keep" optional hint="Copied to the result, to tell its rows apart.">
              {(props) => <input {...props} className="control" value={ids} onChange={(event) => setIds(event.target.value)} />}
            </Field>
            <Field label="Result as">
              {(props) => (
                <select {...props} className="control" value={resultFormat} onChange={(event) => setResultFormat(event.target.value)}>
                  {resultFormats.map((format) => (
                    <option key={format} value={format}>
                      {format === 'csv' ? 'CSV' : 'NDJSON'}
                    </option>
                  ))}
                </select>
              )}
            </Field>
          </div>
          <Problem error={error} />
        </div>
      )}
    </Dialog>
  );
}

interface VersionFieldProps {
  readonly deployment: string;
  readonly value: string;
  readonly onChange: (version: string) => void;
}

function VersionField({ deployment, value, onChange }: VersionFieldProps) {
  const revisions = useDeployment(deployment).data?.revisions ?? [];
  const versions = [...new Set(revisions.filter((revision) => revision.warm).map((revision) => revision.version))];
  return (
    <Field label="Version">
      {(props) => (
        <select {...props} className="control" value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">whichever serves</option>
          {versions.map((version) => (
            <option key={version} value={version}>
              v{version}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
