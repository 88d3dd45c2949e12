import { NaturalReport, type NoiseProbe, ProbeReport } from '@slipway/contracts';
import type { RoutingDeployment, RoutingRevision } from '@slipway/deployments';
import { bodyBytesOf, type ContentKind, type FrameBody, type ProbeFrame } from '@slipway/inference';
import { answerSpread, type InputSpreads, type NoiseOwner, type NoiseRecorder, noTotals, type ReplicaDetail, totalsOf } from '@slipway/metrics';
import type { InstanceLink } from '../instance-link.js';
import type { RequestFacts } from '../request-facts.js';
import type { ServingDeployment } from '../serving-deployment.js';
import type { VersionAnswer } from '../trials/copy-desk.js';
import { answerOf, compareInstances, type InstanceAnswer } from './compare-instances.js';
import { InstanceProbe, type ProbedInput, type ProbeEnd, type ProbePlan } from './instance-probe.js';
import { ProbePace } from './probe-pace.js';
import { versionSpread } from './version-answer.js';

/** Runs of each probe (`monitoring.md` 8.2). */
export const probeRuns = { repeat: 5, jitter: 16, version: 2 } as const;
type LiveProbe = keyof typeof probeRuns;
const cheapestRuns = Math.min(...Object.values(probeRuns));

/** Probes under way in a gateway. */
export const openProbesMax = 16;
/** A larger request is not sent again, and one that is kept for comparing instances is smaller still. */
const probedBytesMax = 1024 * 1024;
const keptBytesMax = 64 * 1024;
/** Instances are compared so often where the traffic pays for it, and so often in any case. */
const canaryEveryMs = 120_000;
const canaryFloorMs = 300_000;
/** After a start, and after a difference: until then nobody knows whether it stays. */
const soonMs = 10_000;
/** Instances are asked so often what they have counted of inputs that came more than once. */
const naturalEveryMs = 30_000;
/** Agreements after which a difference is over. */
const agreedAgain = 2;
/** An instance that knows no probes is asked again after this long; it will be another program by then. */
const unknownForMs = 600_000;

/** A request whose answer is out, as far as it can be sent again. */
export interface ProbedRequest {
  readonly deployment: ServingDeployment;
  readonly revision: RoutingRevision;
  readonly facts: RequestFacts;
  readonly contentKind: ContentKind;
  readonly body: FrameBody;
}

/** How far the inputs of a version usually spread, by tensor and place in its row; undefined where no reference tells. */
export type SpreadsOf = (versionId: string) => InputSpreads | undefined;

export interface ProbeDeskOptions {
  readonly recorder: NoiseRecorder;
  readonly spreadsOf: SpreadsOf;
  /** How often instances are compared in any case, and at least asked; tests do it more often. */
  readonly canaryFloorMs?: number;
}

interface Watched {
  readonly pace: ProbePace;
  last: LiveProbe | undefined;
  /** From here on instances are compared when that is paid for; and from there on also when it is not. */
  canaryAt: number;
  canaryLatestAt: number;
  naturalAt: number;
  /** A live input, for comparing instances: one that callers send tells more than one that is made up. */
  kept: { readonly revisionId: string; readonly input: ProbedInput } | undefined;
  readonly replicas: Map<string, ReplicaDetail>;
}

/**
 * Measures the noise of deployments: sends some of the requests that were answered once more, as probes, within a share of the traffic and only
 * while nobody waits; compares the instances of a revision every few minutes; and asks them what came to them more than once.
 */
export class ProbeDesk {
  private readonly open = new Set<InstanceProbe>();
  private readonly watched = new WeakMap<ServingDeployment, Watched>();
  private readonly unknownUntil = new WeakMap<InstanceLink, number>();
  private isClosed = false;

  constructor(private readonly options: ProbeDeskOptions) {}

  /** Probes that are not over. */
  get size(): number {
    return this.open.size;
  }

  /** A request of a caller was answered, and the answer is out. */
  offer(request: ProbedRequest): void {
    const { deployment, revision } = request;
    if (revision.noisePercent <= 0) return;
    const now = performance.now();
    const watched = this.watchedOf(deployment, now);
    watched.pace.earn(revision.noisePercent);
    if (!watched.pace.affords(cheapestRuns, now) || !this.hasRoom(request)) return;
    const probe = this.nextProbe(watched, request);
    if (!watched.pace.take(probeRuns[probe], now)) return;
    watched.last = probe;
    this.keep(watched, request);
    this.start(probe, request);
  }

  /** Compares instances and collects what they have counted, where it is time to; called every second or so. */
  sweep(deployments: Iterable<ServingDeployment>, now: number): void {
    if (this.isClosed) return;
    for (const deployment of deployments) {
      const revision = deployment.mainLane()?.revision;
      if (revision === undefined || revision.noisePercent <= 0 || deployment.current.suspended) continue;
      const watched = this.watchedOf(deployment, now);
      if (now >= watched.canaryAt) this.compareReplicas(deployment, revision, watched, now);
      if (now >= watched.naturalAt) this.collectNatural(deployment, revision, watched, now);
    }
  }

  /** What two versions said to one request, for the sake of a rollout or shadow. */
  pair(deployment: RoutingDeployment, [one, observed]: VersionAnswer, [other, otherObserved]: VersionAnswer): void {
    if (one.noisePercent <= 0 || one.versionNumber === other.versionNumber) return;
    const spread = versionSpread(observed, otherObserved, one.task?.kind);
    // Filed under the version that callers have had, whichever way the copy went.
    const [version, otherVersion] = isCandidate(deployment, one)
      ? [other.versionNumber, one.versionNumber]
      : [one.versionNumber, other.versionNumber];
    if (spread !== undefined) this.options.recorder.count(ownerOf(deployment, version, 'version', otherVersion), totalsOf(spread));
  }

  close(): void {
    this.isClosed = true;
    for (const probe of this.open) probe.giveUp();
  }

  private hasRoom({ deployment, revision, body }: ProbedRequest): boolean {
    if (this.isClosed || this.open.size >= openProbesMax || deployment.isBusy) return false;
    const bytes = bodyBytesOf(body);
    // A candidate is watched by its trial; a crash of it in a probe would speak against it there.
    return bytes > 0 && bytes <= probedBytesMax && !isCandidate(deployment.current, revision);
  }

  private keep(watched: Watched, { revision, facts, contentKind, body }: ProbedRequest): void {
    if (bodyBytesOf(body) <= keptBytesMax) watched.kept = { revisionId: revision.revisionId, input: inputOf(facts, contentKind, body) };
  }

  /** One after the other, as far as there is something to measure. */
  private nextProbe({ last }: Watched, { deployment, revision }: ProbedRequest): LiveProbe {
    if (last === 'repeat' && this.options.spreadsOf(revision.versionId) !== undefined) return 'jitter';
    return last !== 'version' && otherWarm(deployment, revision) !== undefined ? 'version' : 'repeat';
  }

  private start(probe: LiveProbe, { deployment, revision, facts, contentKind, body }: ProbedRequest): void {
    const input = inputOf(facts, contentKind, body);
    if (probe === 'version') {
      this.compareVersions(deployment, revision, input);
      return;
    }
    const spreads = probe === 'jitter' ? this.options.spreadsOf(revision.versionId) : undefined;
    const owner = ownerOf(deployment.current, revision.versionNumber, probe);
    const runs = probeRuns[probe];
    const given = spreads === undefined ? input : { ...input, body: withPlan(spreads, body) };
    this.ask(deployment, revision.revisionId, { frame: probe, runs, input: given }, (end) => {
      if (end.kind === 'report') this.countSpread(owner, ProbeReport.safeParse(end.report).data, runs);
      else this.countFailure(owner, end, runs);
    });
  }

  private countSpread(owner: NoiseOwner, report: ProbeReport | undefined, runs: number): void {
    const { recorder } = this.options;
    if (report?.off !== undefined) return;
    if (report?.spread === undefined || report.spread === null) recorder.count(owner, { failed: 1, runs });
    else recorder.count(owner, { ...totalsOf(report.spread), runs });
  }

  private countFailure(owner: NoiseOwner, end: ProbeEnd, runs: number): void {
    if (end.kind === 'failed') this.options.recorder.count(owner, { failed: 1, runs });
    // It was asked for and may have been made in part: it counts as spent.
    else if (end.kind === 'unknown' || (end.kind === 'dropped' && end.wasSent)) this.options.recorder.count(owner, { runs });
  }

  /** The same input to this version and to another one. */
  private compareVersions(deployment: ServingDeployment, revision: RoutingRevision, input: ProbedInput): void {
    const other = otherWarm(deployment, revision);
    if (other === undefined) return;
    const owner = ownerOf(deployment.current, revision.versionNumber, 'version', other.versionNumber);
    const both = [revision, other].map(({ revisionId }) => ({ revisionId, accepts: () => true }));
    this.askAll(deployment, both, input, (answers, asked) => {
      const spread = answers.length === 2 ? answerSpread(answers.map(({ answer }) => answer)) : undefined;
      this.options.recorder.count(owner, { ...(spread === undefined ? { failed: 1 } : totalsOf(spread)), runs: asked });
    });
  }

  /** One input to every instance of the revision that callers get. */
  private compareReplicas(deployment: ServingDeployment, revision: RoutingRevision, watched: Watched, now: number): void {
    const links = deployment.laneOf(revision.revisionId)?.readyLinks.filter((link) => this.knowsProbes(link, now)) ?? [];
    if (links.length < 2 || this.open.size >= openProbesMax) return;
    if (!watched.pace.pay(links.length) && now < watched.canaryLatestAt) return;
    // Not all deployments at once.
    const share = 0.9 + 0.2 * Math.random();
    const floorMs = this.options.canaryFloorMs ?? canaryFloorMs;
    watched.canaryAt = now + share * Math.min(canaryEveryMs, floorMs);
    watched.canaryLatestAt = now + share * floorMs;
    const { kept } = watched;
    const input = kept?.revisionId === revision.revisionId ? kept.input : madeUp;
    const owner = ownerOf(deployment.current, revision.versionNumber, 'replica');
    const all = links.map((link) => ({ revisionId: revision.revisionId, accepts: (given: InstanceLink) => given === link }));
    this.askAll(deployment, all, input, (answers, asked) => {
      const compared = compareInstances(answers, watched.replicas.get(revision.revisionId), Date.now());
      const spent = { runs: asked, canaryRuns: asked };
      if (compared === undefined) {
        this.options.recorder.count(owner, { ...spent, failed: 1 });
        return;
      }
      watched.replicas.clear();
      watched.replicas.set(revision.revisionId, compared.detail);
      this.options.recorder.count(owner, { ...totalsOf(compared.spread), ...spent }, compared.detail);
      if (compared.detail.differedAtMs === undefined || compared.detail.agreedInRow > agreedAgain) return;
      watched.canaryLatestAt = Math.min(watched.canaryLatestAt, performance.now() + soonMs);
      watched.canaryAt = Math.min(watched.canaryAt, watched.canaryLatestAt);
    });
  }

  private collectNatural(deployment: ServingDeployment, revision: RoutingRevision, watched: Watched, now: number): void {
    watched.naturalAt = now + Math.min(naturalEveryMs, this.options.canaryFloorMs ?? naturalEveryMs);
    const links = deployment.laneOf(revision.revisionId)?.readyLinks ?? [];
    for (const link of links) {
      if (!this.knowsProbes(link, now) || this.open.size >= openProbesMax) continue;
      const owner = ownerOf(deployment.current, revision.versionNumber, 'natural');
      const plan = { frame: 'natural' as const, runs: 0, input: madeUp, accepts: (given: InstanceLink) => given === link };
      this.ask(deployment, revision.revisionId, plan, (end) => {
        if (end.kind !== 'report') return;
        const { data } = NaturalReport.safeParse(end.report);
        // Another start of the instance counts from nothing, beside what was counted before.
        const source = `${link.instanceId}.${link.client.hello?.pid ?? 0}`;
        for (const { startAtMs, ...totals } of data?.windows ?? [])
          if (totals.n > 0) this.options.recorder.set({ owner, startAtMs, source, totals: { ...noTotals(), ...totals } });
      });
    }
  }

  /** Asks several for their answer to one input; tells those that came, and how many runs were asked for. */
  private askAll(
    deployment: ServingDeployment,
    targets: readonly { readonly revisionId: string; readonly accepts: (link: InstanceLink) => boolean }[],
    input: ProbedInput,
    onAll: (answers: readonly InstanceAnswer[], asked: number) => void,
  ): void {
    const answers: InstanceAnswer[] = [];
    let [left, asked] = [targets.length, 0];
    for (const { revisionId, accepts } of targets) {
      this.ask(deployment, revisionId, { frame: 'answer', runs: 1, input, accepts }, (end) => {
        if (end.kind !== 'dropped' || end.wasSent) asked += 1;
        const answer = end.kind === 'report' ? answerOf(ProbeReport.safeParse(end.report).data ?? { runs: 0 }) : undefined;
        if (end.kind === 'report' && answer !== undefined) answers.push({ instanceId: end.link.instanceId, answer });
        left -= 1;
        if (left === 0 && asked > 0) onAll(answers, asked);
      });
    }
  }

  private ask(
    deployment: ServingDeployment,
    revisionId: string,
    plan: { readonly frame: ProbeFrame; readonly runs: number; readonly input: ProbedInput; readonly accepts?: (link: InstanceLink) => boolean },
    onEnd: (end: ProbeEnd) => void,
  ): void {
    const accepts: ProbePlan['accepts'] = (link) => plan.accepts?.(link) !== false && this.knowsProbes(link, performance.now());
    const probe = new InstanceProbe({ ...plan, modelName: deployment.current.name, accepts }, (end) => {
      this.open.delete(probe);
      // What was counted can always be told; an older instance takes the question for a request without a body.
      const isUnknown = end.kind === 'unknown' || (end.kind === 'failed' && plan.frame === 'natural');
      if (isUnknown) this.unknownUntil.set(end.link, performance.now() + unknownForMs);
      onEnd(end);
    });
    this.open.add(probe);
    deployment.offerCopy(probe, revisionId);
  }

  private knowsProbes(link: InstanceLink, now: number): boolean {
    return now >= (this.unknownUntil.get(link) ?? 0);
  }

  private watchedOf(deployment: ServingDeployment, now: number): Watched {
    const known = this.watched.get(deployment);
    if (known !== undefined) return known;
    const soon = now + Math.min(soonMs, this.options.canaryFloorMs ?? soonMs);
    const made = {
      pace: new ProbePace(),
      last: undefined,
      canaryAt: soon,
      canaryLatestAt: soon,
      naturalAt: soon,
      kept: undefined,
      replicas: new Map(),
    };
    this.watched.set(deployment, made);
    return made;
  }
}

const madeUp: ProbedInput = { contentKind: 'http', body: Buffer.alloc(0) };

function inputOf(
  { contentType, contentEncoding, inferenceHeaderContentLength }: RequestFacts,
  contentKind: ContentKind,
  body: FrameBody,
): ProbedInput {
  return { facts: { contentType, contentEncoding, inferenceHeaderContentLength }, contentKind, body };
}

/** Bytes of the spreads (u32, little-endian), the spreads as JSON, the body. */
function withPlan(spreads: InputSpreads, body: FrameBody): FrameBody {
  const plan = Buffer.from(JSON.stringify(spreads), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(plan.length);
  return [length, plan, ...(Buffer.isBuffer(body) ? [body] : body)];
}

/** Another version that is warm; none where a trial compares versions already. */
function otherWarm(deployment: ServingDeployment, { versionNumber }: RoutingRevision): RoutingRevision | undefined {
  if (deployment.trial !== undefined) return undefined;
  return deployment.current.revisions.find((other) => other.versionNumber !== versionNumber && deployment.isReady(other.revisionId));
}

function isCandidate({ rollout }: RoutingDeployment, { revisionId }: RoutingRevision): boolean {
  return rollout !== undefined && rollout.toRevisionId === revisionId && rollout.fromRevisionId !== undefined;
}

function ownerOf({ projectId, deploymentId, name }: RoutingDeployment, version: number, probe: NoiseProbe, otherVersion = 0): NoiseOwner {
  return { projectId, deploymentId, deployment: name, version, probe, otherVersion };
}
