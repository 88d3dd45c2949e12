import { gunzip, inflate } from 'node:zlib';
import type { Refusal } from '../answers.js';
import { bodyTooLarge } from '../refusals.js';

/** Messages that are being expanded at once: what they become is counted only when it is there. */
const maxAtOnce = 4;

type Done = (result: Buffer | Refusal) => void;

/** Expands compressed messages away from the event loop, within a bound each and a few at a time. */
export class Inflater {
  private running = 0;
  /** Bounded by the bytes of messages that may be held. */
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly atOnce = maxAtOnce) {}

  /** @param encoding the header `grpc-encoding` of the call. */
  expand(body: Buffer, encoding: string | string[] | undefined, maxBytes: number, done: Done): void {
    if (encoding !== 'gzip' && encoding !== 'deflate') {
      queueMicrotask(() => done(unknownEncoding(encoding)));
      return;
    }
    const start = () => {
      this.running += 1;
      const work = encoding === 'gzip' ? gunzip : inflate;
      work(body, { maxOutputLength: maxBytes }, (error, result) => {
        this.running -= 1;
        this.waiting.shift()?.();
        done(error === null ? result : refusalOf(error, encoding, maxBytes));
      });
    };
    if (this.running < this.atOnce) start();
    else this.waiting.push(start);
  }
}

function unknownEncoding(encoding: string | string[] | undefined): Refusal {
  if (encoding === undefined || encoding === 'identity')
    return { code: 'INFER_INVALID', message: 'a message says that it is compressed, and the header grpc-encoding does not say how' };
  const given = JSON.stringify(String(encoding).slice(0, 40));
  return { code: 'ENCODING_UNSUPPORTED', message: `grpc-encoding ${given} is not supported: use gzip, deflate or identity` };
}

function refusalOf(error: Error, encoding: string, maxBytes: number): Refusal {
  if ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') return bodyTooLarge(maxBytes);
  return { code: 'INFER_INVALID', message: `a message is not valid ${encoding}` };
}
