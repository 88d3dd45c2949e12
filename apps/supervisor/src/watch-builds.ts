import { existsSync, watch } from 'node:fs';
import { join } from 'node:path';

const settleMs = 300;

/** Calls `onChange` when compiled files changed and came to rest; for development. Answers how to end the watching. */
export function watchBuilds(root: string, onChange: () => void): () => void {
  const folders = [
    'apps/api',
    'apps/worker',
    'libs/contracts',
    'libs/platform',
    'libs/registry',
    'libs/deployments',
    'libs/inference',
    'libs/metrics',
  ];
  let timer: NodeJS.Timeout | undefined;
  const watchers = folders
    .map((folder) => join(root, folder, 'dist'))
    .filter((folder) => existsSync(folder))
    .map((folder) =>
      watch(folder, { recursive: true }, (_event, file) => {
        if (file === null || !file.endsWith('.js')) return;
        clearTimeout(timer);
        timer = setTimeout(onChange, settleMs);
      }),
    );
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}
