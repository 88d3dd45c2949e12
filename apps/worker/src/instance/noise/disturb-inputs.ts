import { fromFloat16, type Tensor, type TensorData, toFloat16 } from '@slipway/inference';

/**
 * How far the values of an input usually spread, by tensor and place in its row: the interquartile range in the reference. Null where a value is no
 * number or none that varies; such values stay as they are.
 */
export type InputSpreads = ReadonlyMap<string, readonly (number | null)[]>;

/** The disturbance of a value is normal with this share of its spread as standard deviation. */
const share = 0.02;

/** Whether anything would be disturbed. */
export function canDisturb(inputs: readonly Tensor[], spreads: InputSpreads): boolean {
  return inputs.some(({ name, datatype, data }) => {
    if (datatype === 'BYTES' || datatype === 'BOOL' || data.length === 0) return false;
    return spreads.get(name)?.some((spread) => spread !== null && spread > 0) === true;
  });
}

/** A copy of the inputs with every numeric value moved a little: x + N(0, (0.02 · IQR)²). Whole numbers stay whole. */
export function disturbInputs(inputs: readonly Tensor[], spreads: InputSpreads, random: () => number = Math.random): Tensor[] {
  return inputs.map((input) => {
    const own = spreads.get(input.name);
    const data = input.data.slice();
    if (own !== undefined && own.length > 0) disturb(data, input.datatype, own, random);
    return { ...input, data };
  });
}

function disturb(data: TensorData, datatype: Tensor['datatype'], spreads: readonly (number | null)[], random: () => number): void {
  // Texts are kept; and so are truths.
  if (!ArrayBuffer.isView(data) || datatype === 'BOOL') return;
  for (let at = 0; at < data.length; at += 1) {
    const spread = spreads[at % spreads.length];
    if (spread === null || spread === undefined || spread <= 0) continue;
    const moved = share * spread * normal(random);
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
      const next = (data[at] ?? 0n) + BigInt(Math.round(moved));
      data[at] = next < 0n && data instanceof BigUint64Array ? 0n : next;
    } else if (datatype === 'FP16') data[at] = toFloat16(fromFloat16(data[at] ?? 0) + moved);
    else if (datatype.startsWith('FP')) data[at] = (data[at] ?? 0) + moved;
    else data[at] = within(datatype, (data[at] ?? 0) + Math.round(moved));
  }
}

/** An integer that would leave its type stays at its end instead of beginning anew at the other one. */
function within(datatype: Tensor['datatype'], value: number): number {
  const bits = Number(datatype.replace(/^\D+/, ''));
  const isSigned = datatype.startsWith('INT');
  const most = 2 ** (isSigned ? bits - 1 : bits) - 1;
  return Math.min(most, Math.max(isSigned ? -most - 1 : 0, value));
}

/** Standard normal (G. E. P. Box and M. E. Muller, 1958). */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
