import { SlipwayError } from '@slipway/contracts';

/** Whether the server refused because it takes a dead server for a live one; ends by itself or after the lock is cleared. */
export function isStaleLock(log: string): boolean {
  return /lock file "postmaster\.pid" already exists|pre-existing shared memory block|is the data directory.*in use/i.test(log);
}

/** Whether another program took the port between the check and the start. */
export function isBusyPort(log: string): boolean {
  return /could not bind .*Address already in use|could not create any TCP\/IP sockets/i.test(log);
}

/** The one sentence for a server that did not start; `log` is what it wrote. */
export function explainFailure(log: string, place: { readonly dataFolder: string; readonly logFile: string }): SlipwayError {
  if (/No space left on device/i.test(log)) {
    return new SlipwayError(
      'DISK_FULL',
      `The disk that holds ${place.dataFolder} is full: PostgreSQL cannot start; free some space and start again.`,
    );
  }
  if (/error while loading shared libraries|ENOENT/.test(log)) {
    return new SlipwayError(
      'START_REFUSED',
      'The embedded PostgreSQL cannot run on this system (its binaries need glibc and an installation with npm scripts allowed); set DATABASE_URL to a PostgreSQL of your own.',
      { details: { log } },
    );
  }
  const fatal = log.match(/(?:FATAL|PANIC|initdb: error):\s+(.+)/)?.[1];
  const reason = fatal === undefined ? 'it gave no reason' : fatal.trim();
  return new SlipwayError('DATABASE_UNAVAILABLE', `The embedded PostgreSQL did not start: ${reason} (see ${place.logFile}).`, { details: { log } });
}
