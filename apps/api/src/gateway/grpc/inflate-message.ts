import { gunzip, inflate } from 'node:zlib';
import type { Refusal } from '../answers.js';
import { bodyTooLarge } from '../refusals.js';

/**
 * Expands a compressed message away from the event loop and within a bound.
 * @param encoding the header `grpc-encoding` of the call.
 */
export function inflateMessage(
  body: Buffer,
  encoding: string | string[] | undefined,
  maxBytes: number,
  done: (result: Buffer | Refusal) => void,
): void {
  if (encoding !== 'gzip' && encoding !== 'deflate') {
    const given = typeof encoding === 'string' ? JSON.stringify(encoding.slice(0, 40)) : 'nothing';
    const message = `a message is compressed, and grpc-encoding says ${given}: use gzip, deflate or identity`;
    queueMicrotask(() => done({ code: encoding === undefined || encoding === 'identity' ? 'INFER_INVALID' : 'ENCODING_UNSUPPORTED', message }));
    return;
  }
  const expand = encoding === 'gzip' ? gunzip : inflate;
  expand(body, { maxOutputLength: maxBytes }, (error, result) => {
    if (error === null) done(result);
    else if ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') done(bodyTooLarge(maxBytes));
    else done({ code: 'INFER_INVALID', message: `a message is not valid ${encoding}` });
  });
}
