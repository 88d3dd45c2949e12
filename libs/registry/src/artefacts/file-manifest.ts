import { isExternalFileName, limits, type VersionFileView } from '@slipway/contracts';
import { z } from 'zod';
import { isDigest } from './artefact-store.js';

/** What the model is called in a version's folder, whatever its uploader called it. */
export const modelFileName = 'model.onnx';

/** No manifest has more: that of 257 files with the longest names has about 80 KiB. */
export const manifestBytes = 256 * 1024;

const Manifest = z.strictObject({
  slipwayFiles: z.literal(1),
  files: z
    .array(
      z.strictObject({
        name: z.string().refine((name) => name === modelFileName || isExternalFileName(name)),
        digest: z.string().refine(isDigest),
        sizeBytes: z.number().int().min(0),
      }),
    )
    .min(2)
    .max(limits.externalFiles + 1)
    .refine((files) => files[0]?.name === modelFileName, `expected ${modelFileName} first`)
    .refine((files) => new Set(files.map((file) => file.name.toLowerCase())).size === files.length, 'expected each name once'),
});

/**
 * The manifest of a model that keeps weights in other files: a JSON text with name, digest and size of each, the model first and the
 * others by name. It is an artefact like any other; its digest names the version, and equal files give an equal one.
 */
export function writeManifest(files: readonly VersionFileView[]): string {
  const inOrder = [...files].sort((one, other) => rankOf(one.name).localeCompare(rankOf(other.name), 'en'));
  return JSON.stringify({ slipwayFiles: 1, files: inOrder.map(({ name, digest, sizeBytes }) => ({ name, digest, sizeBytes })) });
}

/** The files of a manifest; undefined for bytes that are none. An ONNX model never begins like one. */
export function readManifest(bytes: Uint8Array): readonly VersionFileView[] | undefined {
  // The first letter tells: in a protobuf "{" opens a group, which no model has.
  if (bytes[0] !== 0x7b || bytes.byteLength > manifestBytes) return undefined;
  try {
    const parsed = Manifest.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')));
    return parsed.success ? parsed.data.files : undefined;
  } catch {
    return undefined;
  }
}

/** The model sorts before every other name. */
function rankOf(name: string): string {
  return name === modelFileName ? '' : name;
}
