import { type RecordedInput, recordedInputValuesMax } from '@slipway/contracts';
import { type InstanceSpec, type Redaction, redactTensor, type Tensor } from '@slipway/inference';
import { valueAt, valuesPerRow } from './input-columns.js';
import { drawOf } from './record-sampler.js';
import { sealBytes } from './seal-bytes.js';

type RecordedInputs = NonNullable<InstanceSpec['records']['inputs']>;

/** Draws for inputs are apart from those for records: else a share of the records would be the one that is left by the first draw. */
const inputSeed = 0x51ab;
const textMax = 1_024;
/** Of one row, as JSON before it is sealed. */
const bytesMax = 32 * 1024;

/** Keeps inputs of recorded predictions as the revision says: redacts each value, then encrypts what is left, before anything is written anywhere. */
export class InputRecorder {
  private readonly redactionKey: Buffer;
  private readonly sealingKey: Buffer;

  constructor(private readonly spec: RecordedInputs) {
    this.redactionKey = Buffer.from(spec.redactionKey, 'base64');
    this.sealingKey = Buffer.from(spec.sealingKey, 'base64');
  }

  /** The sealed inputs of the first `most` rows in base64; undefined for a prediction whose inputs are not kept. */
  record(predictionId: string, inputs: readonly Tensor[], rows: number, most: number): string[] | undefined {
    const { percent } = this.spec;
    if (percent < 100 && drawOf(predictionId, inputSeed) * 100 >= percent) return undefined;
    return Array.from({ length: Math.min(rows, most) }, (_, row) =>
      sealBytes(this.sealingKey, this.textOf(inputs, row, rows), `inputs ${predictionId}#${row}`).toString('base64'),
    );
  }

  private textOf(inputs: readonly Tensor[], row: number, rows: number): Buffer {
    const whole = Buffer.from(JSON.stringify(this.rowOf(inputs, row, rows)), 'utf8');
    if (whole.length <= bytesMax) return whole;
    return Buffer.from(JSON.stringify(inputs.map(({ name }): RecordedInput => ({ name, how: 'omitted', value: null }))), 'utf8');
  }

  private rowOf(inputs: readonly Tensor[], row: number, rows: number): RecordedInput[] {
    let left = recordedInputValuesMax;
    return inputs.flatMap((tensor) => {
      const perRow = valuesPerRow(tensor, rows) ?? Number.POSITIVE_INFINITY;
      if (perRow > left) return this.howOf(tensor.name, tensor.name) === 'drop' ? [] : [{ name: tensor.name, how: 'omitted', value: null } as const];
      left -= perRow;
      return this.valuesOf({ ...tensor, shape: [perRow], data: tensor.data.slice(row * perRow, (row + 1) * perRow) }, perRow);
    });
  }

  private valuesOf(own: Tensor, perRow: number): RecordedInput[] {
    const redacted = new Map<Redaction, Tensor>();
    return Array.from({ length: perRow }, (_, at): RecordedInput[] => {
      const name = perRow === 1 ? own.name : `${own.name}[${at}]`;
      const how = this.howOf(name, own.name);
      if (how === 'drop') return [];
      if (how === 'mask') return [{ name, how, value: null }];
      const shown = redacted.get(how) ?? redactTensor(own, how, this.redactionKey);
      redacted.set(how, shown);
      return [{ name, how, value: plain(valueAt(shown, at)) }];
    }).flat();
  }

  /** What is said of the value itself wins over what is said of its input. */
  private howOf(column: string, tensor: string): Redaction {
    return statedRedaction(this.spec, column, tensor) ?? this.spec.others;
  }
}

/** What is said of a value, or of its input as a whole. */
export function statedRedaction({ fields }: Pick<RecordedInputs, 'fields'>, column: string, tensor: string): Redaction | undefined {
  return fields[column] ?? fields[tensor];
}

/** JSON has neither NaN nor the infinities; as texts they are told apart from what is missing. */
function plain(value: string | number | boolean | undefined): RecordedInput['value'] {
  if (typeof value === 'string') return value.slice(0, textMax);
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : (value ?? null);
}
