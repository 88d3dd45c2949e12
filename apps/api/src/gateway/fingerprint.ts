import { createHash } from 'node:crypto';
import { bodyBytesOf, type FrameBody } from '@slipway/inference';

/** Of a long body its two ends and its length stand for the whole: this must stay cheap beside a deadline that has just passed. */
const edgeBytes = 128 * 1024;

/** What an input is recognised by. Equal bodies have equal fingerprints, however they are cut; the reverse holds for bodies up to 256 KiB. */
export function fingerprintOf(body: FrameBody, jsonBytes: number | undefined): string {
  const bytes = bodyBytesOf(body);
  const hash = createHash('sha1').update(`${bytes} ${jsonBytes ?? ''} `);
  let at = 0;
  for (const piece of Buffer.isBuffer(body) ? [body] : body) {
    if (bytes <= 2 * edgeBytes) hash.update(piece);
    else {
      hash.update(piece.subarray(0, Math.max(0, edgeBytes - at)));
      hash.update(piece.subarray(Math.max(0, Math.min(piece.length, bytes - edgeBytes - at))));
    }
    at += piece.length;
  }
  return hash.digest('base64');
}
