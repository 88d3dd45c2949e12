import { rmSync } from 'node:fs';

/** Ends a product that was started here and nothing else: others may work in this checkout. */
export async function endProduct(product) {
  const databaseFolder = product.folder;
  if (product.exitCode === undefined) await product.interrupt();
  if (product.exitCode === undefined) process.kill(-product.child.pid, 'SIGKILL');
  for (const { pid, command } of product.processes()) {
    if ([product.home, databaseFolder].some((place) => place !== undefined && command.includes(place))) process.kill(pid, 'SIGKILL');
  }
  // Root's database may lie outside of the home.
  if (databaseFolder !== undefined) rmSync(databaseFolder, { recursive: true, force: true });
}
