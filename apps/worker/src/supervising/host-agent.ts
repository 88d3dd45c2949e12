import { rmSync } from 'node:fs';
import type { RecordKeys } from '@slipway/contracts';
import { type Assignment, type HostFacts, type HostLease, type HostStore, heartbeatEveryMs, type InstanceStore, noSetup } from '@slipway/deployments';
import { formatInstanceAddress, type InstancePong } from '@slipway/inference';
import { channels, type Logger, type Nudges } from '@slipway/platform';
import { buildInstanceSpec } from './build-instance-spec.js';
import { type Door, DoorPorts } from './door-ports.js';
import { FactWriter } from './fact-writer.js';
import { InstanceFolders } from './instance-paths.js';
import { InstanceProcess } from './instance-process.js';
import { MemoryGroups } from './memory-groups.js';
import { defaultMemoryLimit } from './memory-limit.js';
import { type InstanceIdentity, identityOf, listProcessRecords, type ProcessRecord, readSpec, writeJson } from './process-record.js';
import { isAlive, signalProcess } from './process-table.js';
import { Repeater } from './repeater.js';
import { Slots } from './slots.js';
import type { InstanceLimits, Surroundings, UnwantedEnd } from './surroundings.js';
import { shareThreads, type ThreadWish } from './thread-budget.js';

const reconcileEveryMs = 1_000;
/** How long an instance may take to answer what it holds when it is stopped by wish. */
const stopGraceMs = 25_000;
/** How long the last facts may take when the agent leaves; the next one finds out for itself. */
const lastWritesMs = 1_000;

export interface HostAgentOptions {
  readonly home: string;
  readonly host: HostFacts;
  /** On a host that has joined: where gateways on other machines come in. */
  readonly doors?: HostDoors | undefined;
  /** The instance program's file. */
  readonly program: string;
  readonly maxBodyBytes: number;
  /** What one instance's records may take on this host's disk. */
  readonly maxSpoolBytes: number;
  /** The keys for recorded inputs of a deployment. */
  readonly recordKeys: (owner: Pick<Assignment, 'projectId' | 'deploymentId'>) => Promise<RecordKeys>;
  readonly hosts: HostStore;
  readonly instances: InstanceStore;
  readonly nudges: Nudges;
  readonly log: Logger;
  /** Puts the artefact on this host and gives its path. */
  readonly fetchModel: (assignment: Pick<Assignment, 'digest' | 'versionId'>) => Promise<string>;
}

export interface HostDoors {
  readonly hostId: string;
  /** Where gateways reach this machine: a name or an IP. */
  readonly address: string;
  readonly listenOn: string;
  readonly ports: { readonly from: number; readonly to: number };
  /** From which instances read who this host is. */
  readonly identityFile: string;
}

/** A running instance, for whoever measures it or collects its records. */
export interface SupervisedInstance extends InstanceIdentity {
  readonly pid: number;
  readonly isReady: boolean;
  readonly spoolFolder: string;
  readonly pong: InstancePong | undefined;
  /** What ends it when it needs more. */
  readonly memoryLimitBytes: number;
}

/**
 * Makes the instances assigned to this host real, and reports what they are. Instances outlive it: a new agent on the same home adopts them.
 * They are kept running without the database; what changed meanwhile is written when it is back.
 */
export class HostAgent {
  private readonly folders: InstanceFolders;
  private readonly processes = new Map<string, InstanceProcess>();
  private readonly groups: MemoryGroups | undefined;
  private readonly ports: DoorPorts | undefined;
  private readonly facts: FactWriter;
  private readonly loading: Slots;
  private readonly reconciler: Repeater;
  private readonly heart: Repeater;
  private lease: HostLease | undefined;
  private onFailure: (identity: InstanceIdentity, end: UnwantedEnd) => void = () => undefined;
  private isClosed = false;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: HostAgentOptions) {
    const { home, host, log } = options;
    this.folders = new InstanceFolders(home);
    this.groups = openGroups(home, host.memoryBytes, log);
    this.ports = options.doors === undefined ? undefined : new DoorPorts(options.doors.ports);
    this.loading = new Slots(Math.max(2, host.cores));
    this.facts = new FactWriter(async (identity, fact) => {
      const lease = this.lease;
      if (lease === undefined) throw new Error('the host is not registered yet');
      await options.instances.writeFact(lease, identity, fact);
    }, log);
    this.reconciler = new Repeater('reconcile instances', () => this.reconcile(), log);
    this.heart = new Repeater('heartbeat', () => this.beat(), log);
  }

  /** The host's id in the database; undefined until it is registered. */
  get hostId(): string | undefined {
    return this.lease?.hostId;
  }

  /** Instances that have a process now. */
  list(): SupervisedInstance[] {
    return [...this.processes.values()].flatMap(({ identity, pid, phase, pong, memoryLimitBytes }) =>
      pid === undefined
        ? []
        : [{ ...identity, pid, isReady: phase === 'ready', spoolFolder: this.folders.of(identity.instanceId).spool, pong, memoryLimitBytes }],
    );
  }

  /** Has every end of an instance told that nobody had asked for; one listener. */
  watchFailures(listener: (identity: InstanceIdentity, end: UnwantedEnd) => void): void {
    this.onFailure = listener;
  }

  /** Adopts what lives, then keeps wishes and facts together until `close`. Returns at once; the database may be away. */
  start(): void {
    for (const record of listProcessRecords(this.folders.run)) this.adopt(record);
    this.groups?.removeEmpty();
    this.heart.start({ everyMs: heartbeatEveryMs });
    this.reconciler.start({ everyMs: reconcileEveryMs, nudges: { from: this.options.nudges, on: [channels.instances] } });
  }

  /** Ends all instances, to be started again by the next worker, within about `graceMs`. */
  close(graceMs: number): Promise<void> {
    this.closing ??= this.closeAll(graceMs);
    return this.closing;
  }

  private async closeAll(graceMs: number): Promise<void> {
    this.isClosed = true;
    // The loops may wait for a database that is away; the instances do not.
    const loops = Promise.all([this.reconciler.close(), this.heart.close()]);
    await Promise.all([...this.processes.values()].map((process) => process.stop(graceMs, 'ASSIGNED')));
    await Promise.race([Promise.all([loops, this.facts.close()]), pause(lastWritesMs)]);
    this.groups?.close();
  }

  private async beat(): Promise<void> {
    if (this.lease === undefined) {
      this.lease = await this.options.hosts.register(this.options.host);
      this.options.log.info({ host: this.lease.hostId, name: this.options.host.name }, 'host registered');
      this.reconciler.poke();
      return;
    }
    if ((await this.options.hosts.heartbeat(this.lease)) !== undefined) return;
    this.abdicate();
  }

  /** Another worker holds the host, or it was removed: this one was thought dead. It lets go of everything without touching it. */
  private abdicate(): void {
    if (this.isClosed) return;
    this.options.log.error({ host: this.lease?.hostId }, 'another worker has taken this host over, or the host was removed');
    this.isClosed = true;
    void this.reconciler.close();
    void this.heart.close();
    for (const process of this.processes.values()) process.abandon();
    this.processes.clear();
  }

  private async reconcile(): Promise<void> {
    // A process counts as gone when its first thread is; while the others still end, its group cannot be removed.
    this.groups?.removeEmpty((instanceId) => this.processes.has(instanceId));
    const { lease } = this;
    if (lease === undefined || this.isClosed) return;
    const listed = await this.options.instances.listForHolder(lease);
    if (this.isClosed) return;
    if (listed === undefined) return this.abdicate();
    const assigned = new Map(listed.map((assignment) => [assignment.instanceId, assignment]));
    for (const assignment of assigned.values()) this.align(assignment);
    for (const [instanceId, process] of this.processes) {
      if (assigned.has(instanceId) || this.facts.holds(instanceId)) continue;
      // Its row is ended or was never there: nobody wants it.
      if (process.phase === 'ended') this.forget(instanceId);
      else void process.stop(stopGraceMs);
    }
  }

  private forget(instanceId: string): void {
    this.processes.delete(instanceId);
    this.ports?.free(instanceId);
  }

  private align(assignment: Assignment): void {
    const process = this.processes.get(assignment.instanceId);
    if (assignment.wish === 'STOP') {
      if (process !== undefined) void process.stop(stopGraceMs);
      else
        this.facts.put(identityOf(assignment), {
          status: 'GONE',
          address: undefined,
          pid: undefined,
          restarts: assignment.restarts,
          reason: undefined,
          setup: noSetup,
        });
      return;
    }
    if (process === undefined) this.launch(assignment);
  }

  private launch(assignment: Assignment): void {
    const identity = identityOf(assignment);
    const { spec, runMs, memoryBytes } = assignment;
    const memoryLimitBytes = spec.memoryLimitBytes ?? defaultMemoryLimit(memoryBytes, this.options.host.memoryBytes);
    const threadWish = { wished: spec.intraOpThreads, runMs };
    const door = this.doorOf(assignment.instanceId);
    const process = this.create(identity, { memoryLimitBytes, memoryBytes, threadWish }, assignment.restarts, door);
    void process.start(() =>
      this.loading.use(async () => {
        const paths = this.folders.of(assignment.instanceId);
        const modelPath = await this.options.fetchModel(assignment);
        const { maxBodyBytes, maxSpoolBytes } = this.options;
        const recordKeys = await this.recordKeysOf(assignment);
        writeJson(paths.spec, buildInstanceSpec(assignment, { modelPath, paths, door, maxBodyBytes, maxSpoolBytes, recordKeys }));
      }),
    );
  }

  /** An instance without keys answers all the same; it only learns no reference. Inputs that are to be recorded are not given up so lightly. */
  private async recordKeysOf(assignment: Assignment): Promise<RecordKeys | undefined> {
    const { profiles, records } = assignment.spec.monitoring;
    if (records.inputs !== undefined) return this.options.recordKeys(assignment);
    if (!profiles) return undefined;
    try {
      return await this.options.recordKeys(assignment);
    } catch (error) {
      this.options.log.warn({ err: error, instance: assignment.instanceId }, 'no key for first rows; the instance learns no reference');
      return undefined;
    }
  }

  private adopt(record: ProcessRecord): void {
    const paths = this.folders.of(record.instanceId);
    const spec = readSpec(paths.spec);
    if (!isAlive(record.pid, record.startTime)) {
      rmSync(paths.process, { force: true });
      return;
    }
    if (spec === undefined) {
      signalProcess(record.pid, 'SIGKILL');
      return;
    }
    this.options.log.info({ instance: record.instanceId, deployment: spec.deploymentName, pid: record.pid }, 'instance adopted');
    const limits: InstanceLimits = {
      memoryLimitBytes: record.memoryLimitBytes ?? defaultMemoryLimit(record.memoryBytes ?? 0, this.options.host.memoryBytes),
      memoryBytes: record.memoryBytes,
      threadWish: record.threadWish ?? { wished: spec.session.intraOpThreads },
    };
    if (spec.door !== undefined) this.ports?.keep(record.instanceId, spec.door.port);
    this.create(identityOf(spec), limits, record.restarts, spec.door).adopt(record);
  }

  /** Where gateways on other machines come in to a new instance; undefined on a host that has not joined. */
  private doorOf(instanceId: string): Door | undefined {
    const { doors } = this.options;
    if (doors === undefined || this.ports === undefined) return undefined;
    return { host: doors.listenOn, port: this.ports.take(instanceId), identityFile: doors.identityFile };
  }

  private create(identity: InstanceIdentity, limits: InstanceLimits, restarts: number, door: Door | undefined): InstanceProcess {
    const { program, log, doors } = this.options;
    const paths = this.folders.of(identity.instanceId);
    const around: Surroundings = {
      program,
      paths,
      address: formatInstanceAddress(
        door === undefined || doors === undefined
          ? { kind: 'unix', path: paths.socket }
          : { kind: 'tls', hostId: doors.hostId, host: doors.address, port: door.port },
      ),
      log,
      report: (who, fact) => this.facts.put(who, fact),
      failed: (who, end) => this.onFailure(who, end),
      groups: this.groups,
      shareThreads: (instanceId, wish) => this.shareThreads(instanceId, wish),
    };
    const process = new InstanceProcess(identity, limits, around, restarts);
    this.processes.set(identity.instanceId, process);
    return process;
  }

  private shareThreads(instanceId: string, wish: ThreadWish) {
    const others = [...this.processes.values()].filter(({ identity, phase }) => identity.instanceId !== instanceId && phase !== 'ended');
    return shareThreads(
      wish,
      this.options.host.cores,
      others.map(({ threads }) => threads ?? 1),
    );
  }
}

function openGroups(home: string, memoryBytes: number, log: Logger): MemoryGroups | undefined {
  const opened = MemoryGroups.open(home, memoryBytes);
  if (opened.groups === undefined) log.info({ reason: opened.why }, 'memory is watched, not limited by the system');
  return opened.groups;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
