import { closeSync, openSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { ProfileLayout } from '@slipway/contracts';
import type { InstanceSpec, Tensor } from '@slipway/inference';
import {
  bareLayout,
  encodeLearnedRows,
  encodeProfile,
  type HeldInputs,
  learnedRowsPurpose,
  ProfileCounter,
  profileWindowMs,
  profileWindowOf,
} from '@slipway/metrics/profiles';
import { statedRedaction } from './input-recorder.js';
import {
  bootName,
  headed,
  learnedSource,
  ProfileControl,
  type ProfileOwner,
  profileControlFile,
  profileFileName,
  profileFileOf,
  rowCountBytes,
} from './profile-files.js';
import { RowLearner } from './row-learner.js';
import { sealBytes } from './seal-bytes.js';

/** Files that may lie unshipped, some days of them; with more, windows go on being counted but are not written down, and count as lost. */
const filesMax = 1_000;

/** What of a request is needed to count it. */
export interface ProfiledRequest {
  readonly header: { readonly kind?: number | undefined };
  readonly request: { readonly inputs: readonly Tensor[] };
}

/**
 * Counts every live request that is answered, by windows of five minutes and in the layout of the version's reference, and writes the totals down each second.
 * A killed process has lost what it counted since; how many rows that were stands in a file that is written before answers leave. Nothing here
 * keeps a prediction from being answered: what cannot be counted or written is lost and told.
 */
export class ProfileWriter {
  private readonly owner: ProfileOwner;
  private readonly boot: string;
  private readonly bare: ProfileLayout;
  private readonly learner: RowLearner;
  /** Seals first rows before they are written anywhere; without it none are kept. */
  private readonly learningKey: Buffer | undefined;
  private counter: ProfileCounter;
  private startMs: number;
  private held: HeldInputs | undefined;
  /** Rows of this boot: answered, and written down. */
  private answered = 0;
  private written = 0;
  private segment = 1;
  private noted = -1;
  private pieces = 0;
  private writtenHere = 0;
  private controlSeen = '';
  private wantedLayout: ProfileLayout;
  private hasRoom = true;
  private readonly counts = new Float64Array(rowCountBytes / 8);
  private readonly countBytes = Buffer.from(this.counts.buffer);
  private readonly countFile: number | undefined;

  constructor(
    private readonly spec: InstanceSpec,
    private readonly now: () => number = Date.now,
  ) {
    const { instanceId, deploymentId, versionId, versionNumber } = spec;
    this.owner = { instanceId, deploymentId, versionId, versionNumber };
    this.boot = bootName(now(), process.pid);
    this.bare = bareLayout(spec.signature, spec.task ?? undefined);
    this.wantedLayout = this.bare;
    this.learner = new RowLearner(this.bare.id, withheldOf(this.bare, spec));
    this.learningKey = keyOf(spec.monitoring?.learningKey);
    this.startMs = profileWindowOf(now());
    this.countFile = this.openCounts();
    this.readControl();
    this.counter = this.counterFor(this.wantedLayout);
  }

  /** Called before a run that may take the memory of a request's inputs away. */
  hold({ header, request }: ProfiledRequest): void {
    this.held = isLive(header) ? attempt(() => this.counter.hold(request.inputs)) : undefined;
  }

  /** Counts a request that is answered; only live ones. */
  add({ header, request }: ProfiledRequest, outputs: readonly Tensor[]): void {
    const { held } = this;
    this.held = undefined;
    if (!isLive(header)) return;
    const nowMs = this.now();
    if (nowMs >= this.startMs + profileWindowMs || nowMs < this.startMs) this.turn(profileWindowOf(nowMs), this.counter.layout);
    const before = this.counter.rows;
    const isCounted = attempt(() => {
      this.counter.add(held ?? request.inputs, outputs);
      return true;
    });
    this.answered += this.counter.rows - before + (isCounted === true ? 0 : 1);
  }

  /** Notes how many rows were answered; called before the answers leave. */
  note(): void {
    if (this.answered === this.noted || this.countFile === undefined) return;
    this.noted = this.answered;
    this.counts[0] = this.answered;
    this.counts[1] = this.written;
    const file = this.countFile;
    attempt(() => writeSync(file, this.countBytes, 0, rowCountBytes, 0));
  }

  /** Writes down what is new, turns the window, takes over another layout; called each second. */
  tick(): void {
    this.readControl();
    const startMs = profileWindowOf(this.now());
    // Inputs that are held fit the present layout alone.
    const layout = this.held === undefined ? this.wantedLayout : this.counter.layout;
    if (startMs !== this.startMs || layout.id !== this.counter.layout.id) this.turn(startMs, layout);
    this.writeTotals();
    this.writeLearned();
    // Also when nothing is new: a process that is alive has touched its file lately.
    this.noted = -1;
    this.note();
  }

  /** Writes down everything and ends the present window's file. */
  close(): void {
    this.turn(this.startMs, this.counter.layout);
    this.writeLearned();
    this.noted = -1;
    this.note();
    if (this.countFile !== undefined) closeSync(this.countFile);
  }

  /** Ends the file of the present window and layout, and begins with the next. */
  private turn(startMs: number, layout: ProfileLayout): void {
    const isWritten = this.writeTotals();
    if (isWritten && this.writtenHere > 0) {
      const path = this.totalsPath();
      attempt(() => renameSync(path, path.replace(/\.open$/, '.done')));
    }
    this.segment++;
    this.writtenHere = 0;
    this.startMs = startMs;
    this.counter = this.counterFor(layout);
    this.hasRoom = this.filesLying() < filesMax;
  }

  /** Replaces the totals of the present window where there is more; false when they could not be written. */
  private writeTotals(): boolean {
    const { counter, startMs, boot, segment, owner } = this;
    if (counter.rows === this.writtenHere) return true;
    if (!this.hasRoom) return false;
    const rows = counter.rows;
    const written = this.written - this.writtenHere + rows;
    return (
      attempt(() => {
        this.writeLayout(counter.layout);
        const head = { ...owner, boot, segment, startMs, layoutId: counter.layout.id, written };
        this.replace(this.totalsPath(), headed(head, encodeProfile(counter.toProfile())));
        this.written = written;
        this.writtenHere = rows;
        return true;
      }) ?? false
    );
  }

  private writeLearned(): void {
    if (this.counter.layout.id !== this.bare.id) return;
    const { learningKey } = this;
    const piece = this.learner.take();
    if (piece === undefined || learningKey === undefined) return;
    attempt(() => {
      const sequence = ++this.pieces;
      const { owner, boot } = this;
      const head = { ...owner, boot, sequence, layoutId: piece.layoutId, rows: piece.rows, isSealed: true };
      const purpose = learnedRowsPurpose({ versionId: owner.versionId, source: learnedSource(owner.instanceId, boot), sequence });
      const body = sealBytes(learningKey, encodeLearnedRows(piece), purpose);
      this.replace(join(this.spec.spoolFolder, profileFileName.learned(this.boot, sequence)), headed(head, body));
    });
  }

  private writeLayout(layout: ProfileLayout): void {
    if (this.writtenHere > 0) return;
    const path = join(this.spec.spoolFolder, profileFileName.layout(layout.id));
    if (statSync(path, { throwIfNoEntry: false }) === undefined) this.replace(path, Buffer.from(JSON.stringify(layout), 'utf8'));
  }

  /** Whoever reads meets the old bytes or the new ones. */
  private replace(path: string, bytes: Buffer): void {
    writeFileSync(`${path}.new`, bytes, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /** Looks whether the worker has said something new. */
  private readControl(): void {
    const path = join(this.spec.spoolFolder, profileControlFile);
    attempt(() => {
      const facts = statSync(path, { throwIfNoEntry: false });
      const seen = facts === undefined ? '' : `${facts.ino}-${facts.mtimeMs}-${facts.size}`;
      if (seen === this.controlSeen) return;
      this.controlSeen = seen;
      if (facts === undefined) return;
      const control = ProfileControl.parse(JSON.parse(readFileSync(path, 'utf8')));
      this.wantedLayout = control.layout ?? this.bare;
      this.learner.want(control.layout === null && this.learningKey !== undefined ? control.learnRows : 0);
    });
  }

  private counterFor(layout: ProfileLayout): ProfileCounter {
    const isLearning = layout.id === this.bare.id;
    return new ProfileCounter(layout, this.spec.signature, this.spec.task ?? undefined, isLearning ? this.learner.listen : undefined);
  }

  private totalsPath(): string {
    return join(this.spec.spoolFolder, profileFileName.totals(this.boot, this.segment));
  }

  private filesLying(): number {
    return attempt(() => readdirSync(this.spec.spoolFolder).filter((name) => profileFileOf(name) !== undefined).length) ?? 0;
  }

  private openCounts(): number | undefined {
    return attempt(() => {
      const file = openSync(join(this.spec.spoolFolder, profileFileName.rows(this.boot)), 'w', 0o600);
      writeSync(file, Buffer.concat([this.countBytes, Buffer.from(JSON.stringify(this.owner), 'utf8')]));
      return file;
    });
  }
}

/** Columns of inputs that records are said to hash, mask or drop: what they hold is not to be read in a layout either. */
function withheldOf({ columns }: ProfileLayout, { records }: InstanceSpec): ReadonlySet<number> {
  const { inputs } = records;
  if (inputs === undefined) return new Set();
  const isWithheld = ({ side, tensor, name, index, kind }: ProfileLayout['columns'][number]) =>
    side === 'input' &&
    kind === 'categorical' &&
    (statedRedaction(inputs, index === null ? name : `${tensor}[${index}]`, tensor) ?? 'keep') !== 'keep';
  return new Set([...columns.keys()].filter((place) => columns[place] !== undefined && isWithheld(columns[place])));
}

function keyOf(base64: string | undefined): Buffer | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}

function isLive(header: ProfiledRequest['header']): boolean {
  return (header.kind ?? 0) === 0;
}

/** Undefined where it fails: a full disk, a shape that nobody expected. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
