import { BatchPredictionView, DatasetView, ReferenceItem, VersionCreated } from '@slipway/contracts';
import { errorFromBody, type Parser, path } from './api.client';
import { ApiError } from './api-error';
import { search } from './use-list';

interface Sending {
  readonly file: File;
  /** Share of the bytes sent, 0 to 1. */
  readonly onProgress: (share: number) => void;
  readonly signal: AbortSignal;
}

export interface Upload extends Sending {
  readonly model: string;
  readonly description: string;
}

/** Sends a new version of a model. */
export function uploadVersion({ model, description, ...sending }: Upload): Promise<VersionCreated> {
  const query = search({ fileName: sending.file.name, description });
  return sendFile(VersionCreated, 201, `${path`/v1/models/${model}/versions`}?${query}`, sending);
}

export interface BatchUpload extends Sending {
  readonly deployment: string;
  /** Undefined: whichever serves. */
  readonly version: number | undefined;
  readonly columns: readonly string[];
  readonly idColumns: readonly string[];
  readonly resultFormat: string;
}

/** Sends a file of rows to be predicted. */
export function uploadBatch({ deployment, version, columns, idColumns, resultFormat, ...sending }: BatchUpload): Promise<BatchPredictionView> {
  const list = (names: readonly string[]) => (names.length === 0 ? undefined : JSON.stringify(names));
  const query = search({
    deployment,
    version: version?.toString(),
    columns: list(columns),
    idColumns: list(idColumns),
    resultFormat,
    fileName: sending.file.name,
  });
  return sendFile(BatchPredictionView, 202, `/v1/batch-predictions?${query}`, sending);
}

export interface DatasetUpload extends Sending {
  readonly model: string;
  readonly name: string;
  readonly labelColumn: string;
}

/** Sends a file of labelled rows that versions of a model are evaluated on. */
export function uploadDataset({ model, name, labelColumn, ...sending }: DatasetUpload): Promise<DatasetView> {
  const query = search({ name, labelColumn, fileName: sending.file.name });
  return sendFile(DatasetView, 201, `${path`/v1/models/${model}/datasets`}?${query}`, sending);
}

export interface ReferenceUpload extends Sending {
  readonly address: string;
  /** Empty where the rows have no labels. */
  readonly labelColumn: string;
}

/** Sends a file of rows that a reference profile is made of. */
export function uploadReference({ address, labelColumn, ...sending }: ReferenceUpload): Promise<ReferenceItem> {
  return sendFile(ReferenceItem, 202, `${address}?${search({ labelColumn, fileName: sending.file.name })}`, sending);
}

/** Streams a raw file. XMLHttpRequest, because fetch cannot tell how much has been sent. */
function sendFile<T>(schema: Parser<T>, status: number, address: string, { file, onProgress, signal }: Sending): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', address);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.setRequestHeader('accept', 'application/json');
    request.upload.addEventListener('progress', (event) => onProgress(event.lengthComputable && event.total > 0 ? event.loaded / event.total : 0));
    request.addEventListener('load', () => {
      if (request.status !== status) return reject(errorFromBody(request.status, request.responseText));
      try {
        resolve(schema.parse(JSON.parse(request.responseText)));
      } catch (cause) {
        reject(new Error('The API answered in a shape this console does not know.', { cause }));
      }
    });
    request.addEventListener('error', () =>
      reject(new ApiError({ status: 0, code: 'NETWORK', detail: 'The connection broke during the upload. Nothing was kept; send the file again.' })),
    );
    request.addEventListener('abort', () => reject(new ApiError({ status: 0, code: 'CANCELLED', detail: 'The upload was cancelled.' })));
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}
