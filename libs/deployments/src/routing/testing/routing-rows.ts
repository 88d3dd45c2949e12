import type { RoutingDeploymentRow, RoutingRolloutRow, RoutingRows } from '../routing-rows.schema.js';

export interface RevisionSketch {
  readonly number: number;
  readonly version?: number;
  readonly instances?: readonly { readonly ready: boolean; readonly address?: string }[];
}

/** A rollout from revision 1 to revision 2 that has just begun. */
export function rolloutRow(given: Partial<RoutingRolloutRow> = {}): RoutingRolloutRow {
  return {
    rolloutId: 'rol_1',
    status: 'PROGRESSING',
    wish: null,
    fromRevisionId: 'rev_1',
    toRevisionId: 'rev_2',
    stage: 0,
    weightPercent: 0,
    shadowPercent: 0,
    ...given,
  };
}

/** Rows of one deployment `fraud` (dep_1) in project prj_1; revision n is `rev_n`, its instances `ins_n_0`, `ins_n_1` … */
export function routingRows(sketch: {
  readonly revisions?: readonly RevisionSketch[];
  readonly deployment?: Partial<RoutingDeploymentRow>;
}): RoutingRows {
  const revisions = sketch.revisions ?? [{ number: 1, instances: [{ ready: true }] }];
  return {
    deployments: [
      {
        deploymentId: 'dep_1',
        projectId: 'prj_1',
        name: 'fraud',
        status: 'READY',
        statusReason: null,
        suspended: false,
        wishKind: 'DEPLOY',
        desiredRevisionId: 'rev_1',
        activeRevisionId: 'rev_1',
        rollout: null,
        ...sketch.deployment,
      },
    ],
    revisions: revisions.map(({ number, version }) => ({
      revisionId: `rev_${number}`,
      deploymentId: 'dep_1',
      number,
      versionId: `ver_${version ?? number}`,
      versionNumber: version ?? number,
      digest: 'sha256:00',
      modelName: 'fraud',
      signature: { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] },
      task: null,
      maxQueue: null,
      deadlineMs: null,
    })),
    instances: revisions.flatMap(({ number, instances }) =>
      (instances ?? []).map(({ ready, address }, index) => ({
        instanceId: `ins_${number}_${index}`,
        revisionId: `rev_${number}`,
        address: address ?? `unix:/nowhere/${number}-${index}.sock`,
        ready,
      })),
    ),
  };
}
