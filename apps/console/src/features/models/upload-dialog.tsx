'use client';

import { limits, type VersionCreated } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { type DragEvent, useId, useRef, useState } from 'react';
import { Button } from '@/components/button';
import { Steps } from '@/components/deploy/rollout-progress';
import { Dialog } from '@/components/dialog';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { Icon } from '@/components/icon';
import { Raw } from '@/components/text';
import { useVersion } from '@/lib/api/models';
import { uploadVersion } from '@/lib/api/upload.client';
import { formatBytes } from '@/lib/text/format-number';

interface UploadDialogProps {
  readonly model: string;
  readonly onClose: () => void;
  readonly onDeploy: (version: number) => void;
}

/** Takes a file by drop or choice, sends it with progress and waits for the verdict of the validation. */
export function UploadDialog({ model, onClose, onDeploy }: UploadDialogProps) {
  const client = useQueryClient();
  const [file, setFile] = useState<File>();
  const [description, setDescription] = useState('');
  const [share, setShare] = useState<number>();
  const [error, setError] = useState<unknown>();
  const [created, setCreated] = useState<VersionCreated>();
  const abort = useRef(new AbortController());

  const send = async (chosen: File) => {
    abort.current = new AbortController();
    setError(undefined);
    setShare(0);
    try {
      setCreated(await uploadVersion({ model, file: chosen, description, onProgress: setShare, signal: abort.current.signal }));
      void client.invalidateQueries({ queryKey: ['models'] });
    } catch (caught) {
      setError(caught);
    }
    setShare(undefined);
  };

  if (created !== undefined) return <Verdict created={created} onClose={onClose} onDeploy={onDeploy} />;
  const sending = share !== undefined;
  return (
    <Dialog
      title={`Upload a version of ${model}`}
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
            <Button kind="primary" icon="upload" disabled={file === undefined} onClick={() => file && void send(file)}>
              Upload
            </Button>
          </>
        )
      }
    >
      <div className="flex flex-col gap-4">
        {sending ? <Progress share={share} bytes={file?.size ?? 0} /> : <DropZone file={file} onFile={setFile} />}
        {!sending && (
          <Field label="Description" optional hint="What changed against the version before?">
            {(props) => (
              <textarea
                {...props}
                className="control"
                maxLength={limits.descriptionLength}
                value={description}
                onChange={(event) => setDescription(event.target.value)}
              />
            )}
          </Field>
        )}
        <Problem error={error} />
      </div>
    </Dialog>
  );
}

function DropZone({ file, onFile }: { readonly file: File | undefined; readonly onFile: (file: File) => void }) {
  const id = useId();
  const [over, setOver] = useState(false);
  const take = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const [dropped] = event.dataTransfer.files;
    if (dropped !== undefined) onFile(dropped);
  };
  return (
    <label
      htmlFor={id}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={take}
      className={`flex flex-col items-center rounded-xl border border-dashed px-4 py-8 text-center has-focus-visible:outline-2 has-focus-visible:outline-accent ${over ? 'border-accent bg-accent-soft' : 'border-field bg-sunken'}`}
    >
      <Icon name="upload" size={20} className="mb-2 text-ink-3" />
      {file === undefined ? (
        <>
          <span className="font-medium">Drop an ONNX file here, or choose one</span>
          <span className="mt-0.5 text-xs text-ink-3">one file, up to {formatBytes(limits.artefactBytes)}</span>
        </>
      ) : (
        <>
          <span className="font-medium">
            <Raw max={60}>{file.name}</Raw>
          </span>
          <span className="mt-0.5 text-xs text-ink-3">{formatBytes(file.size)}, choose another by clicking</span>
        </>
      )}
      <input
        id={id}
        type="file"
        accept=".onnx,application/octet-stream"
        className="sr-only"
        onChange={(event) => {
          const [chosen] = event.target.files ?? [];
          if (chosen !== undefined) onFile(chosen);
        }}
      />
    </label>
  );
}

function Progress({ share, bytes }: { readonly share: number; readonly bytes: number }) {
  const percent = Math.floor(share * 100);
  return (
    <div className="flex flex-col gap-2 py-6">
      <div className="flex justify-between text-[0.8125rem]">
        <span>{share < 1 ? 'Uploading' : 'Writing to the store'}</span>
        <span>
          {percent} % of {formatBytes(bytes)}
        </span>
      </div>
      <div
        role="progressbar"
        aria-label="Upload"
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        className="h-2 overflow-hidden rounded-full bg-sunken"
      >
        <div className="h-full rounded-full bg-accent" style={{ width: `${percent}%` }} />
      </div>
    </div>
  );
}

interface VerdictProps {
  readonly created: VersionCreated;
  readonly onClose: () => void;
  readonly onDeploy: (version: number) => void;
}

function Verdict({ created, onClose, onDeploy }: VerdictProps) {
  const version = useVersion(created.model, created.version).data;
  const status = version?.status ?? created.status;
  const done = status === 'READY' || status === 'REJECTED';
  return (
    <Dialog
      title={`Version ${created.version} of ${created.model}`}
      onClose={onClose}
      footer={
        <>
          <Button kind={status === 'READY' ? 'quiet' : 'plain'} onClick={onClose}>
            {done ? 'Close' : 'Close, it goes on by itself'}
          </Button>
          {status === 'READY' && (
            <Button
              kind="primary"
              icon="deploy"
              onClick={() => {
                onClose();
                onDeploy(created.version);
              }}
            >
              Deploy version {created.version}
            </Button>
          )}
        </>
      }
    >
      <Steps
        steps={[
          { label: 'Stored under its digest', state: 'done', note: created.digest },
          {
            label: status === 'READY' ? 'Validated: ready to deploy' : status === 'REJECTED' ? 'Rejected' : 'Being validated in a child process',
            state: status === 'READY' ? 'done' : status === 'REJECTED' ? 'failed' : 'now',
            note: version?.reasons.join(' · ') || undefined,
          },
        ]}
      />
    </Dialog>
  );
}
