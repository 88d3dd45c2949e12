import type { Revision } from '../revisions/revision.js';
import type { InstanceNeed } from './place-instance.js';

const nothing = Object.freeze({});

/** What placement keeps free for one instance of a revision. */
export function instanceNeed({ id, memoryBytes, spec }: Pick<Revision, 'id' | 'memoryBytes' | 'spec'>): InstanceNeed {
  return {
    revisionId: id,
    memoryBytes: spec.memoryLimitBytes ?? memoryBytes,
    // `auto` is decided by the host, by the time of a run; one is what each instance gets at least.
    threads: spec.intraOpThreads === 'auto' ? 1 : spec.intraOpThreads,
    gpus: spec.gpus ?? 0,
    labels: spec.hostLabels ?? nothing,
  };
}
