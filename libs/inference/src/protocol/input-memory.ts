import type { Datatype } from '@slipway/contracts';
import { datatypeFacts, makeNumericData, type NumericData, viewNumericData } from '../tensors/datatypes.js';

const slabBytes = 64 * 1024;
/** Larger inputs get memory of their own: their request alone should decide how long it is kept. */
const sharedBelowBytes = 4 * 1024;
/** Every element size divides it. */
const alignment = 8;

let slab = new ArrayBuffer(slabBytes);
let used = 0;

/**
 * Zeros for the elements of one input. Memory for small inputs is cut from a slab, each piece once: an `ArrayBuffer` of its own costs
 * more to make and to collect than the values cost to read. Such data is a view of memory that it shares with other requests.
 */
export function takeMemory(datatype: Exclude<Datatype, 'BYTES'>, count: number): NumericData {
  const bytes = count * datatypeFacts[datatype].bytes;
  if (bytes >= sharedBelowBytes) return makeNumericData(datatype, count);
  if (used + bytes > slabBytes) {
    slab = new ArrayBuffer(slabBytes);
    used = 0;
  }
  const start = used;
  used += Math.ceil(bytes / alignment) * alignment;
  return viewNumericData(datatype, slab, start, count);
}
