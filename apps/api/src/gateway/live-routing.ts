import type { RoutingInstance, RoutingSnapshot } from '@slipway/deployments';
import { InstanceLink } from './instance-link.js';
import { ServingDeployment, type TrialParts } from './serving-deployment.js';

type ByName = ReadonlyMap<string, ServingDeployment>;

/** The snapshot come alive: a connection per instance and a queue per revision, kept over from one snapshot to the next. */
export class LiveRouting {
  private projects: ReadonlyMap<string, ByName> = new Map();
  private deployments = new Map<string, ServingDeployment>();
  private links = new Map<string, InstanceLink>();

  constructor(
    private readonly maxFrameBytes: number,
    private readonly parts: TrialParts,
  ) {}

  find(projectId: string, name: string): ServingDeployment | undefined {
    return this.projects.get(projectId)?.get(name);
  }

  /** The deployments of a project, by name. */
  in(projectId: string): ServingDeployment[] {
    return [...(this.projects.get(projectId)?.values() ?? [])].toSorted((a, b) => (a.current.name < b.current.name ? -1 : 1));
  }

  get all(): Iterable<ServingDeployment> {
    return this.deployments.values();
  }

  /** What evidence is collected of at present. */
  subjectIds(): Set<string> {
    const ids = new Set<string>();
    for (const { current } of this.deployments.values()) {
      if (current.rollout !== undefined) ids.add(current.rollout.rolloutId);
      for (const { subjectId } of current.shadows) ids.add(subjectId);
    }
    return ids;
  }

  get allLinks(): Iterable<InstanceLink> {
    return this.links.values();
  }

  /** Replaces the view: opens what is new, keeps what stays, lets go of what left once its answers are in. */
  apply(snapshot: RoutingSnapshot): void {
    const projects = new Map<string, Map<string, ServingDeployment>>();
    const deployments = new Map<string, ServingDeployment>();
    const before = this.links;
    this.links = new Map();
    const linkTo = (instance: RoutingInstance, revisionId: string) => this.keepOrOpen(before, instance, revisionId);
    for (const [projectId, byName] of snapshot.projects) {
      const serving = new Map<string, ServingDeployment>();
      for (const [name, deployment] of byName) {
        const known = this.deployments.get(deployment.deploymentId) ?? new ServingDeployment(deployment, this.parts);
        known.update(deployment, linkTo);
        deployments.set(deployment.deploymentId, known);
        serving.set(name, known);
      }
      projects.set(projectId, serving);
    }
    const gone = [...this.deployments.values()].filter((deployment) => !deployments.has(deployment.current.deploymentId));
    this.projects = projects;
    this.deployments = deployments;
    for (const deployment of gone) deployment.close();
    for (const [instanceId, link] of before) if (this.links.get(instanceId) !== link) link.leave();
  }

  /** Closes every connection; outstanding requests end as lost. */
  close(): void {
    for (const deployment of this.deployments.values()) deployment.close();
    for (const link of this.links.values()) {
      link.onCrash = () => undefined;
      link.client.close();
    }
  }

  private keepOrOpen(before: ReadonlyMap<string, InstanceLink>, instance: RoutingInstance, revisionId: string): InstanceLink {
    const known = before.get(instance.instanceId);
    const link = known?.address === instance.address ? known : new InstanceLink(instance, revisionId, this.maxFrameBytes);
    link.update(instance);
    this.links.set(instance.instanceId, link);
    return link;
  }
}
