import type { Mapping } from '../mapping/mapping.js';
import { columnsUsed } from '../mapping/mapping.js';
import { RowPacker } from '../mapping/row-packer.js';
import { positionAfter, type Table, type TablePosition } from '../table.js';
import type { Block } from './block.js';

export interface BlockSize {
  /** Rows of a block. */
  readonly rows: number;
  /** Bytes of tensors after which a block is closed, so that it has at most this and one row. */
  readonly bytes: number;
}

/** The rows of a table behind a position, as blocks of tensors. */
export async function* readBlocks(table: Table, mapping: Mapping, from: TablePosition | undefined, size: BlockSize): AsyncGenerator<Block, void> {
  const packer = new RowPacker(mapping);
  let firstRow = (from?.row ?? 0) + 1;
  let end: TablePosition = from ?? { row: 0 };
  const close = (): Block => {
    const block = packer.take(firstRow, end);
    firstRow += block.rows;
    return block;
  };
  for await (const batch of table.rows(from, columnsUsed(mapping))) {
    for (const [index, row] of batch.rows.entries()) {
      packer.add(row);
      if (packer.size < size.rows && packer.bytes < size.bytes && index < batch.rows.length - 1) continue;
      end = positionAfter(batch, index);
      if (packer.size >= size.rows || packer.bytes >= size.bytes) yield close();
    }
  }
  if (packer.size > 0) yield close();
}
