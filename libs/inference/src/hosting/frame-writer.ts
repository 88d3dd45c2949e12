import type { Socket } from 'node:net';
import { encodeHeader, type FrameHeader } from './frame-header.js';
import { encodeFrameHead, type FrameType } from './frames.js';

const noHeader: FrameHeader = {};
const noBody = Buffer.alloc(0);

/** Bodies below this are copied into one buffer with their neighbours; above it the copy costs more than the extra vector. */
const joinBelowBytes = 32 * 1024;

/**
 * Collects the frames of one event-loop turn and sends them in one write. The turn ends in the check phase, so everything
 * that the poll phase read from other sockets travels together.
 */
export class FrameWriter {
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private scheduled = false;

  constructor(private readonly socket: Socket) {}

  /** Bytes accepted but not yet taken by the kernel. */
  get bufferedBytes(): number {
    return this.pendingBytes + this.socket.writableLength;
  }

  /** Adds a frame to this turn's write. */
  send(type: FrameType, stream: number, header: FrameHeader = noHeader, body: Buffer = noBody): void {
    const head = encodeFrameHead(type, stream, encodeHeader(header), body.length);
    this.pending.push(head);
    if (body.length > 0) this.pending.push(body);
    this.pendingBytes += head.length + body.length;
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Sends what was collected now; for callers that know that their turn is over. */
  flush(): void {
    this.scheduled = false;
    if (this.pending.length === 0) return;
    const pieces = joinSmall(this.pending);
    this.pending = [];
    this.pendingBytes = 0;
    if (!this.socket.writable) return;
    if (pieces.length === 1) {
      for (const piece of pieces) this.socket.write(piece);
      return;
    }
    this.socket.cork();
    for (const piece of pieces) this.socket.write(piece);
    this.socket.uncork();
  }
}

function joinSmall(pieces: readonly Buffer[]): Buffer[] {
  const out: Buffer[] = [];
  let run: Buffer[] = [];
  const close = (): void => {
    if (run.length === 1) out.push(...run);
    else if (run.length > 1) out.push(Buffer.concat(run));
    run = [];
  };
  for (const piece of pieces) {
    if (piece.length < joinBelowBytes) run.push(piece);
    else {
      close();
      out.push(piece);
    }
  }
  close();
  return out;
}
