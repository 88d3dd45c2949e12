import type { Signature, Task } from '@slipway/contracts';
import { buildSnapshot, type RoutingDeployment, type RoutingRows, type RoutingSnapshot } from '@slipway/deployments';

/** A deployment as a test wants it; what it does not say is as it would be for one that serves. */
export interface DeploymentSketch {
  readonly name?: string;
  readonly suspended?: boolean;
  readonly statusReason?: string;
  /** The revision that has the traffic. */
  readonly serves?: number;
  readonly revisions?: readonly RevisionSketch[];
}

export interface RevisionSketch {
  readonly number: number;
  readonly version?: number;
  readonly signature?: Signature | null;
  readonly task?: Task;
  readonly batching?: RoutingRows['revisions'][number]['batching'];
  readonly rowsIndependent?: boolean;
  readonly maxQueue?: number;
  readonly deadlineMs?: number;
  readonly instances?: number;
}

const linear: Signature = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }], outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }] };

/** A snapshot of project `prj_1`; deployment n is `dep_<name>`, its revisions `rev_<name>_<number>`. */
export function snapshotOf(...sketches: readonly DeploymentSketch[]): RoutingSnapshot {
  return buildSnapshot({
    deployments: sketches.map((sketch) => {
      const name = sketch.name ?? 'fraud';
      const revisionId = `rev_${name}_${sketch.serves ?? 1}`;
      return {
        deploymentId: `dep_${name}`,
        projectId: 'prj_1',
        name,
        status: sketch.suspended === true ? 'SUSPENDED' : 'READY',
        statusReason: sketch.statusReason ?? null,
        suspended: sketch.suspended ?? false,
        wishKind: 'DEPLOY',
        desiredRevisionId: revisionId,
        activeRevisionId: revisionId,
        rollout: null,
      };
    }),
    revisions: sketches.flatMap((sketch) => revisionsOf(sketch).map((revision) => rowOf(sketch.name ?? 'fraud', revision))),
    instances: sketches.flatMap((sketch) => revisionsOf(sketch).flatMap((revision) => instancesOf(sketch.name ?? 'fraud', revision))),
  });
}

/** The one deployment of a snapshot with just that. */
export function deploymentOf(sketch: DeploymentSketch = {}): RoutingDeployment {
  const deployment = snapshotOf(sketch)
    .projects.get('prj_1')
    ?.get(sketch.name ?? 'fraud');
  if (deployment === undefined) throw new Error('the sketch has no deployment');
  return deployment;
}

function revisionsOf(sketch: DeploymentSketch): readonly RevisionSketch[] {
  return sketch.revisions ?? [{ number: 1 }];
}

function rowOf(name: string, revision: RevisionSketch): RoutingRows['revisions'][number] {
  return {
    revisionId: `rev_${name}_${revision.number}`,
    deploymentId: `dep_${name}`,
    number: revision.number,
    versionId: `ver_${revision.version ?? revision.number}`,
    versionNumber: revision.version ?? revision.number,
    digest: 'sha256:00',
    modelName: name,
    signature: revision.signature === undefined ? linear : revision.signature,
    task: revision.task ?? { kind: 'regression', predictionOutput: 'y', rowAxis: 0 },
    maxQueue: revision.maxQueue ?? null,
    deadlineMs: revision.deadlineMs ?? null,
    batching: revision.batching ?? null,
    rowsIndependent: revision.rowsIndependent ?? null,
  };
}

function instancesOf(name: string, revision: RevisionSketch): RoutingRows['instances'] {
  return Array.from({ length: revision.instances ?? 0 }, (_, index) => ({
    instanceId: `ins_${name}_${revision.number}_${index}`,
    revisionId: `rev_${name}_${revision.number}`,
    address: `unix:/nowhere/${name}-${revision.number}-${index}.sock`,
    ready: true,
  }));
}
