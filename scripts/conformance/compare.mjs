import { bytesOf, isFloat } from './tensors.mjs';

/**
 * What separates the given tensors from the expected ones, in a sentence; undefined when nothing does. `tolerance` is for floats: {rtol, atol}
 * or `exact`, which also compares bits where the given tensor came as bytes.
 */
export function difference(expected, given, tolerance) {
  const names = given.map(({ name }) => name);
  for (const name of names) if (!expected.some((tensor) => tensor.name === name)) return `output ${quote(name)} was not expected`;
  for (const tensor of expected) {
    const other = given[names.indexOf(tensor.name)];
    const found = other === undefined ? 'is missing' : tensorDifference(tensor, other, tolerance);
    if (found !== undefined) return `output ${quote(tensor.name)} ${found}`;
  }
  return undefined;
}

/** Relative and absolute tolerance per datatype for what another machine or build of the runtime may round differently. */
export function toleranceOf(datatype) {
  if (datatype === 'FP16') return { rtol: 1e-2, atol: 1e-3 };
  return datatype === 'FP32' ? { rtol: 1e-4, atol: 1e-5 } : { rtol: 1e-9, atol: 1e-12 };
}

function tensorDifference(expected, given, tolerance) {
  if (expected.datatype !== given.datatype) return `is ${given.datatype}, not ${expected.datatype}`;
  if (String(expected.shape) !== String(given.shape)) return `has shape [${given.shape}], not [${expected.shape}]`;
  if (expected.values.length !== given.values.length) return `has ${given.values.length} values, not ${expected.values.length}`;
  const limits = isFloat(expected.datatype) ? (tolerance ?? toleranceOf(expected.datatype)) : 'exact';
  const at = expected.values.findIndex((value, index) => !isSame(value, given.values[index], limits));
  if (at !== -1) return `differs at ${at}: ${show(given.values[at])}, not ${show(expected.values[at])}`;
  const isSameBits = limits !== 'exact' || given.bytes === undefined || bytesOf(expected).equals(given.bytes);
  return isSameBits ? undefined : 'has the values but not the bits that were expected';
}

function isSame(expected, given, limits) {
  if (Object.is(expected, given)) return true;
  if (limits === 'exact' || !Number.isFinite(expected) || !Number.isFinite(given)) return false;
  return Math.abs(expected - given) <= limits.atol + limits.rtol * Math.abs(expected);
}

function show(value) {
  if (Object.is(value, -0)) return '-0';
  return typeof value === 'string' ? quote(value) : String(value);
}

/** A name or text for a line of a report. */
export function quote(text) {
  const shown = JSON.stringify(text);
  return shown.length > 60 ? `${shown.slice(0, 57)}…"` : shown;
}
