import type { Datatype } from '@slipway/contracts';
import type { TablePosition } from '../table.js';

/** Why a row of a block has no tensors. */
export interface BlockFault {
  /** Place of the row in the block, from 0. */
  readonly index: number;
  readonly column?: string | undefined;
  readonly expected: string;
  readonly given: string;
}

export interface SegmentInput {
  readonly name: string;
  readonly datatype: Datatype;
  /** The shape of one row. */
  readonly rowShape: readonly number[];
  /** BYTES: where each row ends in `data`; other datatypes have as many bytes in every row. */
  readonly ends?: readonly number[];
  /** All rows, one after the other, in the binary form of the protocol. */
  readonly data: Buffer;
}

/** Rows that fit into one request, since their shapes are the same. */
export interface Segment {
  /** Their places in the block, ascending. */
  readonly rows: readonly number[];
  readonly inputs: readonly SegmentInput[];
}

/** A run of rows of a table as tensors. */
export interface Block {
  /** Number of its first row, from 1. */
  readonly firstRow: number;
  readonly rows: number;
  /** The place in the file behind its last row. */
  readonly end: TablePosition;
  readonly faults: readonly BlockFault[];
  /** Cells of the id columns, row by row; empty when there are none. */
  readonly ids: readonly (readonly unknown[])[];
  readonly segments: readonly Segment[];
}
