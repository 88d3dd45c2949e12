import { VersionCreated } from '@slipway/contracts';
import { errorFromBody, path } from './api.client';
import { ApiError } from './api-error';

export interface Upload {
  readonly model: string;
  readonly file: File;
  readonly description: string;
  /** Share of the bytes sent, 0 to 1. */
  readonly onProgress: (share: number) => void;
  readonly signal: AbortSignal;
}

/** Streams the raw file to the registry. XMLHttpRequest, because fetch cannot tell how much has been sent. */
export function uploadVersion({ model, file, description, onProgress, signal }: Upload): Promise<VersionCreated> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({ fileName: file.name, ...(description !== '' && { description }) });
    request.open('POST', `${path`/v1/models/${model}/versions`}?${query}`);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.setRequestHeader('accept', 'application/json');
    request.upload.addEventListener('progress', (event) => onProgress(event.lengthComputable && event.total > 0 ? event.loaded / event.total : 0));
    request.addEventListener('load', () => {
      if (request.status !== 201) return reject(errorFromBody(request.status, request.responseText));
      const created = VersionCreated.safeParse(JSON.parse(request.responseText));
      return created.success ? resolve(created.data) : reject(new Error('The API answered in a shape this console does not know.'));
    });
    request.addEventListener('error', () =>
      reject(new ApiError({ status: 0, code: 'NETWORK', detail: 'The connection broke during the upload. Nothing was kept; send the file again.' })),
    );
    request.addEventListener('abort', () => reject(new ApiError({ status: 0, code: 'CANCELLED', detail: 'The upload was cancelled.' })));
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}
