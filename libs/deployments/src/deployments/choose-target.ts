import type { Batching, DeploymentView, Signature, Task } from '@slipway/contracts';
import { effectiveBatching } from '../revisions/effective-batching.js';

/** A version of a deployment that requests can be addressed to, now or as soon as it is ready. */
export interface Target {
  readonly version: number;
  readonly batching: Batching;
}

/**
 * The version that work over a longer time is addressed to: the one that was asked for, if it is warm or loading; else the one with the most
 * traffic, or, while none has any, the newest that should have. Undefined when the deployment does not serve that version.
 */
export function chooseTarget(view: Pick<DeploymentView, 'revisions' | 'instances' | 'split'>, version: number | undefined): Target | undefined {
  const [newest] = view.revisions;
  if (version === undefined) {
    const share = view.split.reduce<DeploymentView['split'][number] | undefined>(
      (most, each) => (most === undefined || each.weightPercent > most.weightPercent ? each : most),
      undefined,
    );
    const revision = view.revisions.find((each) => each.revision === share?.revision) ?? newest;
    return revision === undefined ? undefined : { version: revision.version, batching: revision.spec.batching };
  }
  const isKept = (revision: number) =>
    view.instances.some((instance) => instance.revision === revision && instance.status !== 'GONE' && instance.status !== 'FAILED');
  const revision = view.revisions.find((each) => each.version === version && (each.warm || each.weightPercent > 0 || isKept(each.revision)));
  return revision === undefined ? undefined : { version, batching: revision.spec.batching };
}

/** How rows of a table become requests to a version. */
export interface RequestRows {
  /** Axis 0 of every input counts rows; otherwise a row of the table is a whole request. */
  readonly hasRows: boolean;
  /** Rows of one request; 1 where rows may influence each other. */
  readonly maxRows: number;
}

/** Rows of one request where nothing says less. */
const mostRows = 1_024;

/**
 * Several rows go into one request only where the validation has proven that they do not influence each other, or the revision says so, and
 * never more than it states as the size of a batch.
 */
export function requestRows(
  version: { readonly signature: Signature; readonly task: Task | null; readonly rowsIndependent: boolean | null },
  batching: Batching,
): RequestRows {
  const { inputs } = version.signature;
  const isOpen = inputs.every((input) => input.unranked !== true && input.shape[0] === -1);
  const hasAxis = inputs.every((input) => input.unranked !== true && (input.shape[0] === -1 || input.shape[0] === 1));
  const hasRows = inputs.length > 0 && hasAxis && (version.task === null || version.task.rowAxis === 0);
  const isProven = version.rowsIndependent === true || batching.mode === 'on';
  if (!hasRows || !isOpen || !isProven) return { hasRows, maxRows: 1 };
  const { isStated, maxBatchSize } = effectiveBatching(batching, version);
  return { hasRows, maxRows: isStated ? Math.min(maxBatchSize, mostRows) : mostRows };
}
