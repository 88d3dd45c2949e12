import { headers as names } from '@slipway/contracts';
import { path } from './api.client';
import { ApiError } from './api-error';

export interface PredictAnswer {
  readonly status: number;
  readonly text: string;
  readonly durationMs: number;
  readonly predictionId: string | null;
  readonly revision: string | null;
  readonly errorCode: string | null;
}

/** Sends a prediction as the browser's session; the answer is kept as text, because tensors may hold NaN and 64-bit integers. */
export async function predict(deployment: string, body: string, signal?: AbortSignal): Promise<PredictAnswer> {
  const startedAt = performance.now();
  try {
    const response = await fetch(path`/v2/models/${deployment}/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      credentials: 'same-origin',
      body,
      ...(signal && { signal }),
    });
    const text = await response.text();
    return {
      status: response.status,
      text,
      durationMs: performance.now() - startedAt,
      predictionId: response.headers.get(names.predictionId),
      revision: response.headers.get(names.revision),
      errorCode: response.headers.get(names.error),
    };
  } catch (cause) {
    throw new ApiError({ status: 0, code: 'NETWORK', detail: 'The API cannot be reached.', cause });
  }
}
