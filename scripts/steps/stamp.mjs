import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './command.mjs';

const folder = join(root, 'node_modules', '.cache', 'slipway');
const skipped = new Set(['node_modules', 'dist', '.next', '.nx', '.git', 'generated', 'test-results']);

/** One hash over the names and contents of files and folders (relative to the root); what is missing counts as empty. */
export function hashOf(paths) {
  const hash = createHash('sha256').update(process.version);
  for (const path of paths)
    for (const file of filesBelow(path))
      hash
        .update(file)
        .update('\0')
        .update(readFileSync(join(root, file)))
        .update('\0');
  return hash.digest('hex');
}

function filesBelow(path) {
  let entries;
  try {
    entries = readdirSync(join(root, path), { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path];
    if (error.code === 'ENOENT') return [];
    throw error;
  }
  return entries
    .filter((entry) => !skipped.has(entry.name) && entry.name !== 'next-env.d.ts')
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(path, entry.name)) : entry.isFile() ? [join(path, entry.name)] : []));
}

/** Whether the step was last done with this hash. */
export function isStamped(step, hash) {
  try {
    return readFileSync(join(folder, step), 'utf8') === hash;
  } catch {
    return false;
  }
}

/** Notes that the step was done with this hash. */
export function stamp(step, hash) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, step), hash);
}
