import type { FileHandle } from 'node:fs/promises';

const pieceBytes = 256 * 1024;

/** The bytes of a file from an offset to its end, piece by piece; each piece is its own memory. */
export async function* filePieces(file: FileHandle, from: number): AsyncGenerator<Buffer, void> {
  for (let at = from; ; ) {
    const piece = Buffer.allocUnsafeSlow(pieceBytes);
    const { bytesRead } = await file.read(piece, 0, pieceBytes, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield bytesRead === pieceBytes ? piece : piece.subarray(0, bytesRead);
  }
}

/** Exactly these bytes of a file, or undefined when it ends before. */
export async function readExactly(file: FileHandle, from: number, length: number): Promise<Buffer<ArrayBuffer> | undefined> {
  const bytes = Buffer.from(new ArrayBuffer(length));
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, from + filled);
    if (bytesRead === 0) return undefined;
    filled += bytesRead;
  }
  return bytes;
}
