'use client';

import { limits } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { Button } from '@/components/button';
import { Dialog } from '@/components/dialog';
import { DropZone } from '@/components/drop-zone';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { UploadProgress } from '@/components/progress-bar';
import { uploadDataset } from '@/lib/api/upload.client';
import { formatBytes } from '@/lib/text/format-number';

/** Takes a file with labels, by drop or choice. */
export function UploadDatasetDialog({ model, onClose }: { readonly model: string; readonly onClose: () => void }) {
  const client = useQueryClient();
  const [file, setFile] = useState<File>();
  const [name, setName] = useState('');
  const [labelColumn, setLabelColumn] = useState('');
  const [share, setShare] = useState<number>();
  const [error, setError] = useState<unknown>();
  const abort = useRef(new AbortController());
  const sending = share !== undefined;

  const send = async (chosen: File) => {
    abort.current = new AbortController();
    setError(undefined);
    setShare(0);
    try {
      await uploadDataset({
        model,
        name: name.trim(),
        labelColumn: labelColumn.trim(),
        file: chosen,
        onProgress: setShare,
        signal: abort.current.signal,
      });
      await client.invalidateQueries({ queryKey: ['models'] });
      onClose();
    } catch (caught) {
      setError(caught);
      setShare(undefined);
    }
  };

  return (
    <Dialog
      title={`Add a labelled set to ${model}`}
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
            <Button
              kind="primary"
              icon="upload"
              disabled={file === undefined || name.trim() === '' || labelColumn.trim() === ''}
              onClick={() => file && void send(file)}
            >
              Add
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
            <DropZone
              file={file}
              onFile={setFile}
              label="Drop a file with labels here, or choose one"
              hint="CSV, NDJSON, Parquet or Arrow"
              accept=".csv,.ndjson,.jsonl,.parquet,.arrow,.feather"
            />
            <Field label="Name">
              {(props) => (
                <input
                  {...props}
                  className="control"
                  maxLength={limits.nameLength}
                  autoComplete="off"
                  value={name}
                  onChange={(event) => setName(event.target.value)}
                />
              )}
            </Field>
            <Field label="Column with the truth" hint="The other columns are the inputs, by name or in the order of the file.">
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
        <Problem error={error} />
      </div>
    </Dialog>
  );
}
