import type { InstanceSpec, Tensor } from '@slipway/inference';
import { columnText, type InputColumn, inputColumn } from './input-columns.js';
import { InputRecorder } from './input-recorder.js';
import { predictedRows } from './predicted-rows.js';
import type { PredictionRecord } from './record-spool.js';
import { recordedOutputs } from './recorded-outputs.js';

/** An answered request, as far as its record needs it. */
export interface RecordedAnswer {
  /** Those asked for and those that the task names. */
  readonly outputs: readonly Tensor[];
  readonly rows: number;
  readonly computeMicros: number;
  readonly clientId?: string;
}

export interface RecordedRequest {
  readonly id: string;
  readonly inputs: readonly Tensor[];
  readonly queueMicros: number;
  readonly probability: number;
}

/** A longer one cannot be named by a label. */
const clientIdMax = 256;
const predictedMax = 1_024;

/** Makes the record of an answered request: what the spool keeps of it, and the database after that. */
export class RecordWriter {
  private readonly slices: readonly InputColumn[];
  private readonly joinKey: InputColumn | undefined;
  private readonly inputRecorder: InputRecorder | undefined;

  constructor(private readonly spec: Pick<InstanceSpec, 'signature' | 'task' | 'records'>) {
    const names = spec.signature.inputs.map(({ name }) => name);
    const { slices = [], joinKey, inputs } = spec.records;
    this.slices = slices.map((slice) => inputColumn(slice, names));
    this.joinKey = joinKey === undefined ? undefined : inputColumn(joinKey, names);
    this.inputRecorder = inputs === undefined ? undefined : new InputRecorder(inputs);
  }

  record({ outputs, rows, computeMicros, clientId }: RecordedAnswer, { id, inputs, queueMicros, probability }: RecordedRequest): PredictionRecord {
    const { task, records } = this.spec;
    const most = Math.min(rows, records.maxRowsPerRequest);
    const { p, s } = task ? predictedRows(task, outputs, most) : {};
    const others = recordedOutputs(task ?? undefined, outputs, rows, most);
    const sealed = this.inputRecorder?.record(id, inputs, rows, most);
    // One by one and not spread: this is on the way of every answer.
    const record: { -readonly [Key in keyof PredictionRecord]: PredictionRecord[Key] } = { id, us: Math.round(computeMicros) };
    if (rows !== 1) record.n = rows;
    if (queueMicros >= 1) record.q = Math.round(queueMicros);
    if (probability !== 1) record.w = probability;
    if (clientId !== undefined && clientId.length <= clientIdMax) record.cid = clientId;
    if (p !== undefined) record.p = p.map((value) => (typeof value === 'string' ? value.slice(0, predictedMax) : value));
    if (s?.some((score) => score !== null) === true) record.s = s;
    if (this.slices.length > 0 || this.joinKey !== undefined) Object.assign(record, this.named(inputs, rows, most));
    if (others !== undefined) record.o = others;
    if (sealed !== undefined) record.x = sealed;
    return record;
  }

  /** Slices and join keys, row by row. */
  private named(inputs: readonly Tensor[], rows: number, most: number): Pick<PredictionRecord, 'v' | 'j'> {
    const { slices, joinKey } = this;
    const textOf = (column: InputColumn, row: number) => columnText(inputs, column, row, rows) ?? null;
    const each = <T>(read: (row: number) => T) => Array.from({ length: most }, (_, row) => read(row));
    return {
      ...(slices.length === 0 ? {} : { v: each((row) => slices.map((slice) => textOf(slice, row))) }),
      ...(joinKey === undefined ? {} : { j: each((row) => textOf(joinKey, row)) }),
    };
  }
}
