import { isExternalFileName, SlipwayError } from '@slipway/contracts';
import { datatypeFacts, datatypeOfOnnx } from '../tensors/datatypes.js';
import { quote } from '../tensors/quote.js';
import type { TensorContext } from './model-contexts.js';
import type { ExternalFile } from './model-facts.js';

/** Keys of TensorProto.external_data that say where the data is. */
export const externalKeys: ReadonlySet<string> = new Set(['location', 'offset', 'length']);

/**
 * The file that holds a tensor's data, and where the data ends in it.
 * @throws SlipwayError ARTEFACT_REFUSED for anything but the plain name of a file, and for places that cannot be or do not fit the shape.
 */
export function externalPlace(tensor: Pick<TensorContext, 'name' | 'dataType' | 'dims' | 'external'>): ExternalFile {
  const location = tensor.external.get('location');
  if (location === undefined) throw refused(tensor, 'has its data in another file without saying in which');
  if (!isExternalFileName(location)) {
    throw refused(tensor, `has its data in ${quote(location)}; expected the plain name of a file that lies beside the model, without a path`);
  }
  const datatype = datatypeOfOnnx(tensor.dataType);
  if (datatype === 'BYTES') throw refused(tensor, 'holds texts, which cannot lie in another file');
  const offset = numberOf(tensor, 'offset') ?? 0;
  const length = numberOf(tensor, 'length');
  // Without a datatype of the protocol (4-bit integers, for example) only the file itself says how many bytes a shape needs.
  const needed = datatype === undefined ? length : tensor.dims.reduce((product, dim) => product * dim, datatypeFacts[datatype].bytes);
  if (length !== undefined && length !== needed) {
    throw refused(tensor, `has ${length} bytes in ${quote(location)}, its shape ${JSON.stringify(tensor.dims)} needs ${needed}`);
  }
  const endBytes = offset + (needed ?? 0);
  if (!Number.isSafeInteger(endBytes)) throw refused(tensor, `has an impossible shape ${JSON.stringify(tensor.dims)}`);
  return { name: location, endBytes };
}

function numberOf(tensor: Pick<TensorContext, 'name' | 'external'>, key: string): number | undefined {
  const text = tensor.external.get(key);
  if (text === undefined) return undefined;
  // 16 digits and more need not be exact as a number; no file has so many bytes.
  if (!/^[0-9]{1,15}$/.test(text)) throw refused(tensor, `expected the ${key} of its data in another file as a number; given ${quote(text)}`);
  return Number(text);
}

function refused(tensor: { readonly name: string }, what: string): SlipwayError {
  return new SlipwayError('ARTEFACT_REFUSED', `the tensor ${quote(tensor.name)} in the model ${what}`);
}
