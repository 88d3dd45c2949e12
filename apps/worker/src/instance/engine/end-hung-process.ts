import { writeSync } from 'node:fs';

/** Why a hung run ends its process, in words for people. */
export const overdue = 'a run went past its deadline';

/** Says why in the log and ends the process by a signal that nothing can keep it from, also while a thread is inside the runtime. */
export function endHungProcess(reason: string): void {
  try {
    writeSync(2, `${JSON.stringify({ level: 'error', msg: 'instance failed', reason })}\n`);
  } catch {
    // A full disk must not keep a hung process alive.
  }
  process.kill(process.pid, 'SIGKILL');
}
