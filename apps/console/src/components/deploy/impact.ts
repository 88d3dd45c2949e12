import type { DeploymentView, RevisionView, Signature } from '@slipway/contracts';

/** The revision that has most of the traffic now. */
export function activeRevision(deployment: Pick<DeploymentView, 'revisions' | 'split'>): RevisionView | undefined {
  const top = deployment.split.toSorted((a, b) => b.weightPercent - a.weightPercent)[0];
  return deployment.revisions.find((each) => each.revision === top?.revision);
}

/**
 * Revisions that served before and can serve again. Those older than the present one come first, the youngest of them in front: after a
 * rollback the next one must not lead back to what was just left.
 */
export function rollbackTargets(deployment: Pick<DeploymentView, 'revisions' | 'split'>): readonly RevisionView[] {
  const active = activeRevision(deployment);
  const isLater = (each: RevisionView) => active !== undefined && each.revision > active.revision;
  return deployment.revisions
    .filter((each) => each.revision !== active?.revision && each.activatedAt !== null)
    .toSorted((a, b) => Number(isLater(a)) - Number(isLater(b)) || b.revision - a.revision);
}

export type SignatureChange =
  | { readonly kind: 'same' }
  | { readonly kind: 'different'; readonly notes: readonly string[] }
  | { readonly kind: 'unknown' };

/** What callers would notice when one signature takes another's place. */
export function compareSignatures(from: Signature | null | undefined, to: Signature | null | undefined): SignatureChange {
  if (!from || !to) return { kind: 'unknown' };
  const notes = [...compareTensors('input', from.inputs, to.inputs), ...compareTensors('output', from.outputs, to.outputs)];
  return notes.length === 0 ? { kind: 'same' } : { kind: 'different', notes };
}

function compareTensors(noun: string, from: Signature['inputs'], to: Signature['inputs']): readonly string[] {
  const notes: string[] = [];
  const target = new Map(to.map((tensor) => [tensor.name, tensor]));
  for (const tensor of from) {
    const other = target.get(tensor.name);
    target.delete(tensor.name);
    if (other === undefined) notes.push(`${noun} "${tensor.name}" goes away`);
    else if (describe(other) !== describe(tensor)) notes.push(`${noun} "${tensor.name}": ${describe(tensor)} becomes ${describe(other)}`);
  }
  for (const tensor of target.values()) notes.push(`${noun} "${tensor.name}" is new`);
  return notes;
}

function describe(tensor: { readonly datatype: string; readonly shape: readonly number[] }): string {
  return `${tensor.datatype} [${tensor.shape.join(', ')}]`;
}
