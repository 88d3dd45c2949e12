import { z } from 'zod';
import { limits } from './limits.js';

const pattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Names of models, deployments, aliases, rules, receivers and keys. `stats` is a word of the protocol's own paths. */
export const ResourceName = z
  .string()
  .max(limits.nameLength)
  .regex(pattern, 'expected 1 to 128 letters, digits, dots, underscores or hyphens, starting with a letter or digit')
  .refine((name) => foldName(name) !== 'stats', 'the name "stats" is reserved by the protocol')
  .refine((name) => !name.endsWith('.'), 'a name does not end with a dot');

/** Names that differ only in case are the same name. */
export function foldName(name: string): string {
  return name.normalize('NFKC').toLowerCase();
}

/**
 * Names of the files beside a model that hold its weights: what exporters write, and nothing that any file system reads as a path, a
 * device, a stream or a hidden file. `model.onnx`, in whatever case, is the model itself.
 */
const externalFileName = /^[A-Za-z0-9_](?:[A-Za-z0-9_.+@=,()[\] -]{0,198}[A-Za-z0-9_+@=,()[\]-])?$/;

/** Whether a file of weights can have this name. */
export function isExternalFileName(name: string): boolean {
  return externalFileName.test(name) && name.toLowerCase() !== 'model.onnx';
}
