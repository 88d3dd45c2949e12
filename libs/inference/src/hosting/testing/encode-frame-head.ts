import type { FrameHeader } from '../frame-header.js';
import { type FrameType, maxFrameHeadBytes, writeFrameHead } from '../frames.js';

/** The head of a frame in a buffer of its own. */
export function encodeFrameHead(type: FrameType, stream: number, header: FrameHeader, bodyBytes: number): Buffer {
  const target = Buffer.alloc(maxFrameHeadBytes);
  return target.subarray(0, writeFrameHead(target, 0, type, stream, header, bodyBytes));
}
