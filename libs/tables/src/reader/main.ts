import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { SlipwayError } from '@slipway/contracts';
import { encodeReaderMessage, type ReaderMessage } from '../blocks/block-frames.js';
import { readBlocks } from '../blocks/read-blocks.js';
import { openTable } from '../formats/open-table.js';
import { planMapping } from '../mapping/plan-mapping.js';
import { type Table, unreadable } from '../table.js';
import { ReaderSpec } from './reader-spec.js';
import { watchSelf } from './watch-self.js';

/** The reader's process: a spec on standard input, messages on standard output. Files are hostile, and this is where they are read. */
const spec = ReaderSpec.parse(JSON.parse(await readInput()));
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
watchSelf(spec.memoryBytes);
process.title = 'slipway table reader';
try {
  await read();
} catch (error) {
  if (!(error instanceof SlipwayError) || (error.code !== 'TABLE_UNREADABLE' && error.code !== 'TABLE_MAPPING_REFUSED')) throw error;
  await send({ kind: 'refused', code: error.code, message: error.message });
}

async function read(): Promise<void> {
  const table = await openTable(spec.path, spec.format, { header: spec.header, delimiter: spec.delimiter });
  const mapping = planMapping(table.head, spec.model, spec);
  const { rowsTotal } = table;
  if (rowsTotal !== undefined) checkRows(rowsTotal);
  await send({ kind: 'opened', rowsTotal });
  if (spec.blocks !== undefined) await sendBlocks(table, mapping, spec.blocks);
  await table.close();
}

async function sendBlocks(table: Table, mapping: ReturnType<typeof planMapping>, size: NonNullable<ReaderSpec['blocks']>): Promise<void> {
  for await (const block of readBlocks(table, mapping, spec.from, size)) {
    checkRows(block.end.row);
    await send({ kind: 'block', block });
  }
  await send({ kind: 'end' });
}

function checkRows(rows: number): void {
  if (rows > spec.maxRows) throw unreadable(`expected at most ${spec.maxRows} rows; the file has more`);
}

/** Waits while nobody reads: so no more than a pipe's worth of what was read is ever held. */
async function send(message: ReaderMessage): Promise<void> {
  for (const bytes of encodeReaderMessage(message)) if (!process.stdout.write(bytes)) await once(process.stdout, 'drain');
}

async function readInput(): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}
