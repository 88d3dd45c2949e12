import type { Socket } from 'node:net';
import type { FrameHeader } from './frame-header.js';
import { bodyBytesOf, type FrameBody, type FrameType, maxFrameHeadBytes, writeFrameHead } from './frames.js';

const noHeader: FrameHeader = {};
const noBody = Buffer.alloc(0);

/** Bodies below this are copied in beside their head; above it the copy costs more than the extra vector. */
const joinBelowBytes = 32 * 1024;
/** Blocks of a busy connection have room for some hundred small frames, so that making room costs next to nothing; most connections are idle. */
const smallBlockBytes = 16 * 1024;
const largeBlockBytes = 256 * 1024;
/** A block that lasted for less was too small. */
const busyMs = 100;

/**
 * Collects the frames of one event-loop turn and sends them in one write. The turn ends in the check phase, so everything
 * that the poll phase read from other sockets travels together. Frames are written straight into a block of memory; what is written there is
 * never written again, so the socket may take its time with it.
 */
export class FrameWriter {
  private block = Buffer.allocUnsafeSlow(0);
  private blockSince = 0;
  /** The part of the block that is not handed to the socket yet. */
  private from = 0;
  private to = 0;
  /** What goes before that part. */
  private pieces: Buffer[] = [];
  private pendingBytes = 0;
  private scheduled = false;

  constructor(private readonly socket: Socket) {}

  /** Bytes accepted but not yet taken by the kernel. */
  get bufferedBytes(): number {
    return this.pendingBytes + this.socket.writableLength;
  }

  /** Adds a frame to this turn's write. */
  send(type: FrameType, stream: number, header: FrameHeader = noHeader, body: FrameBody = noBody): void {
    const bodyBytes = bodyBytesOf(body);
    const isJoined = bodyBytes < joinBelowBytes;
    this.makeRoom(maxFrameHeadBytes + (isJoined ? bodyBytes : 0));
    const start = this.to;
    this.to = writeFrameHead(this.block, start, type, stream, header, bodyBytes);
    this.pendingBytes += this.to - start + bodyBytes;
    this.addBody(body, isJoined);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Sends what was collected now; for callers that know that their turn is over. */
  flush(): void {
    this.scheduled = false;
    if (this.pendingBytes === 0) return;
    this.closePiece();
    const { pieces, socket } = this;
    this.pieces = [];
    this.pendingBytes = 0;
    if (!socket.writable) return;
    if (pieces.length > 1) socket.cork();
    for (const piece of pieces) socket.write(piece);
    if (pieces.length > 1) socket.uncork();
  }

  private addBody(body: FrameBody, isJoined: boolean): void {
    if (!isJoined) this.closePiece();
    if (!Buffer.isBuffer(body)) for (const piece of body) this.addPiece(piece, isJoined);
    else if (body.length > 0) this.addPiece(body, isJoined);
  }

  private addPiece(piece: Buffer, isJoined: boolean): void {
    if (isJoined) this.to += piece.copy(this.block, this.to);
    else this.pieces.push(piece);
  }

  private makeRoom(bytes: number): void {
    if (this.block.length - this.to >= bytes) return;
    this.closePiece();
    const now = performance.now();
    const wanted = now - this.blockSince < busyMs ? Math.min(largeBlockBytes, this.block.length * 2) : smallBlockBytes;
    this.block = Buffer.allocUnsafeSlow(Math.max(wanted, bytes));
    this.blockSince = now;
    this.from = 0;
    this.to = 0;
  }

  private closePiece(): void {
    if (this.to > this.from) this.pieces.push(this.block.subarray(this.from, this.to));
    this.from = this.to;
  }
}
