import type { FrameBody } from '@slipway/inference';

/** Smaller pieces are put together: each costs some hundred bytes beside its own. */
const smallBytes = 4 * 1024;
const blockMinBytes = 4 * 1024;
const blockMaxBytes = 64 * 1024;
const none = Buffer.alloc(0);

/**
 * A body as it comes in. It stays in the pieces it came in, since putting a large one together would be a copy for nothing; but a caller may
 * send it byte by byte, and then the memory for it must not be hundreds of times what its bytes are counted as.
 */
export class BodyPieces {
  private pieces: Buffer[] = [];
  private bytes = 0;
  /** Where small pieces are put together, and the part that is in no piece yet. */
  private block = none;
  private from = 0;
  private to = 0;

  add(chunk: Buffer): void {
    this.bytes += chunk.length;
    // The only piece of a short body is left as it is.
    if (this.pieces.length === 0 || chunk.length >= smallBytes) {
      this.closePiece();
      this.pieces.push(chunk);
      return;
    }
    if (this.block.length - this.to < chunk.length) this.openBlock();
    this.to += chunk.copy(this.block, this.to);
  }

  /** Forgets what has come. */
  clear(): void {
    this.pieces = [];
    this.bytes = 0;
    this.block = none;
    this.from = 0;
    this.to = 0;
  }

  /** All that has come; nothing of it is left here. */
  take(): FrameBody {
    this.closePiece();
    const { pieces } = this;
    this.clear();
    const [only] = pieces;
    return pieces.length === 1 && only !== undefined ? only : pieces;
  }

  /** As large as all before it, within bounds: so no body takes much more than twice its bytes. */
  private openBlock(): void {
    this.closePiece();
    this.block = Buffer.allocUnsafeSlow(Math.max(blockMinBytes, Math.min(blockMaxBytes, this.bytes)));
    this.from = 0;
    this.to = 0;
  }

  private closePiece(): void {
    if (this.to > this.from) this.pieces.push(this.block.subarray(this.from, this.to));
    this.from = this.to;
  }
}
