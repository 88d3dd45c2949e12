'use client';

import { limits, type VersionCreated } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { Button } from '@/components/button';
import { Steps } from '@/components/deploy/rollout-progress';
import { Dialog } from '@/components/dialog';
import { DropZone } from '@/components/drop-zone';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { UploadProgress } from '@/components/progress-bar';
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
        {sending ? (
          <UploadProgress share={share} size={formatBytes(file?.size ?? 0)} />
        ) : (
          <DropZone
            file={file}
            onFile={setFile}
            label="Drop an ONNX file here, or choose one"
            hint={`one file, up to ${formatBytes(limits.artefactBytes)}`}
            accept=".onnx,application/octet-stream"
          />
        )}
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
