import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProfileLayout } from '@slipway/contracts';
import type { LayoutSource, LostRows, ProfileLearningStore, ProfileTotals, ProfileWindowStore } from '@slipway/metrics';
import { decodeProfile, profileWindowOf } from '@slipway/metrics';
import { isDatabaseUnavailable, type Logger } from '@slipway/platform';
import {
  LearnedHead,
  learnedSource,
  type ProfileControl,
  type ProfileFile,
  type ProfileOwner,
  profileControlFile,
  profileFileOf,
  readRowCounts,
  splitHeaded,
  TotalsHead,
} from '../instance/profile-files.js';
import { listSpoolFolders } from './spool-files.js';

export interface ProfileShipperOptions {
  readonly home: string;
  readonly windows: ProfileWindowStore;
  readonly learning: ProfileLearningStore;
  readonly layouts: LayoutSource;
  /** Rows that a reference of a deployment is learned from. */
  readonly learnRowsOf: (deploymentIds: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  /** Instances that have a process now. */
  readonly liveInstances: () => ReadonlySet<string>;
  readonly log: Logger;
  readonly onShipped?: (rows: { counted: number; lost: number; unreadable: number }) => void;
}

/** A process touches its count of rows each second. */
const silentMs = 30_000;
/** How much more a running window must hold before it is sent again: what lies on this disk is safe. */
const resendMs = 5_000;

type TotalsFile = ProfileFile & { readonly kind: 'totals' };
interface Boot {
  readonly name: string;
  readonly isOver: boolean;
  readonly files: readonly ProfileFile[];
}

/**
 * Carries profiles from the instances' folders to the database: running windows every few seconds, those that are over once. Totals replace those
 * before them, so it does not matter how often they are sent, and a file is removed after they are stored alone. In the other direction it puts
 * the layouts of references into the folders of running instances. While the database is away it waits.
 */
export class ProfileShipper {
  private readonly spoolHome: string;
  /** Running totals by path: as they were when they were sent, and when that was. */
  private readonly sent = new Map<string, { readonly stamp: string; readonly atMs: number; readonly rows: number }>();
  private readonly keptLayouts = new Set<string>();
  private readonly controls = new Map<string, string>();

  constructor(private readonly options: ProfileShipperOptions) {
    this.spoolHome = join(options.home, 'spool');
  }

  /** Ships what lies there now. @throws when the database is away; what was shipped before stays shipped */
  async ship(nowMs = Date.now()): Promise<void> {
    const live = this.options.liveInstances();
    const owners = new Map<string, ProfileOwner>();
    for (const folder of await listSpoolFolders(this.spoolHome)) {
      const isLive = live.has(folder.slice(this.spoolHome.length + 1));
      const names = await readdir(folder).catch(() => []);
      const boots = await bootsOf(folder, names, isLive, nowMs);
      for (const boot of boots) await this.shipBoot(folder, boot, nowMs);
      const owner = isLive ? await ownerOf(folder, boots.at(-1)) : undefined;
      if (owner !== undefined) owners.set(folder, owner);
      else if (!isLive && boots.every(({ isOver }) => isOver)) await this.clear(folder, names);
    }
    await this.tellLayouts(owners);
  }

  private async shipBoot(folder: string, { name, isOver, files }: Boot, nowMs: number): Promise<void> {
    let written = 0;
    for (const file of files) {
      if (file.kind === 'totals') written = Math.max(written, await this.shipTotals(folder, file, isOver, nowMs));
      else if (file.kind === 'learned') await this.shipLearned(folder, file);
    }
    if (isOver) await this.shipLost(folder, name, files, written);
  }

  /** @returns rows that the boot had written down with this file; 0 when it was not looked at */
  private async shipTotals(folder: string, file: TotalsFile, isOver: boolean, nowMs: number): Promise<number> {
    const path = join(folder, file.name);
    const isClosed = file.isDone || isOver;
    const stamp = await stampOf(path);
    const key = path.replace(/\.(open|done)$/, '');
    const before = this.sent.get(key);
    if (!isClosed && (stamp === undefined || stamp === before?.stamp || nowMs - (before?.atMs ?? 0) < resendMs)) return 0;
    const totals = await this.readTotals(path, isClosed);
    if (totals === undefined) {
      if (isClosed) await this.drop(path);
      return 0;
    }
    // What a worker before this one has stored was counted by it.
    const rows = totals.profile.rows - (before?.rows ?? (await this.options.windows.rowsStored(totals)));
    if (await this.store(folder, totals, nowMs)) this.tell({ counted: rows });
    else this.tell({ lost: rows });
    if (isClosed) {
      await rm(path, { force: true });
      this.sent.delete(key);
    } else this.sent.set(key, { stamp: stamp ?? '', atMs: nowMs, rows: totals.profile.rows });
    return totals.written;
  }

  /** False where the counts are not wanted any more, or refused for what they are. @throws when the database is away */
  private async store(folder: string, totals: ProfileTotals, nowMs: number): Promise<boolean> {
    try {
      await this.keepLayout(folder, totals.profile.layout);
      return (await this.options.windows.write([totals], nowMs)) === 0;
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      this.options.log.warn({ err: error, deployment: totals.deploymentId, source: totals.source }, 'profile refused by the database');
      return false;
    }
  }

  private async readTotals(path: string, isClosed: boolean): Promise<(ProfileTotals & { written: number }) | undefined> {
    try {
      const { head, body } = splitHeaded(TotalsHead, await readFile(path));
      const { deploymentId, versionId, versionNumber, startMs, written } = head;
      const source = `${head.instanceId}.${head.boot}.${head.segment}`;
      return { deploymentId, versionId, versionNumber, startMs, source, isClosed, profile: decodeProfile(body), written };
    } catch (error) {
      this.options.log.warn({ err: error, file: path }, 'profile not understood');
      return undefined;
    }
  }

  private async shipLearned(folder: string, { name }: ProfileFile): Promise<void> {
    const path = join(folder, name);
    try {
      const { head, body } = splitHeaded(LearnedHead, await readFile(path));
      const { deploymentId, versionId, layoutId, sequence, rows } = head;
      const hasLayout = (await this.options.layouts.layoutsFor([versionId])).has(versionId);
      if (!hasLayout) {
        const wanted = (await this.options.learnRowsOf([deploymentId])).get(deploymentId) ?? 0;
        await this.keepLayout(folder, layoutId);
        await this.options.learning.add(
          { versionId, deploymentId, source: learnedSource(head.instanceId, head.boot), sequence, rows, layoutId, body },
          wanted,
        );
      }
      await rm(path, { force: true });
    } catch (error) {
      if (isDatabaseUnavailable(error)) throw error;
      this.options.log.warn({ err: error, file: path }, 'learned rows not understood');
      await this.drop(path);
    }
  }

  /** What a process that is gone had answered and not written down. Its count goes last: until then all of this is done again. */
  private async shipLost(folder: string, boot: string, files: readonly ProfileFile[], written: number): Promise<void> {
    const name = files.find(({ kind }) => kind === 'rows')?.name;
    if (name === undefined) return;
    const path = join(folder, name);
    const facts = await stat(path).catch(() => undefined);
    if (facts === undefined) return;
    const counts = await readFile(path).then(readRowCounts, () => undefined);
    if (counts === undefined) return this.drop(path);
    const lost = counts.answered - Math.max(counts.written, written);
    if (lost > 0) {
      const { instanceId, deploymentId, versionId, versionNumber } = counts.owner;
      const startMs = profileWindowOf(facts.mtimeMs);
      const rows: LostRows = { deploymentId, versionId, versionNumber, startMs, source: `${instanceId}.${boot}`, lost };
      await this.options.windows.noteLost(rows);
      this.tell({ lost });
      this.options.log.warn({ instance: instanceId, lost }, 'rows lost from a profile with their process');
    }
    await rm(path, { force: true });
  }

  /** So that counts can be named later; a layout that cannot be read leaves counts without names. */
  private async keepLayout(folder: string, layoutId: string): Promise<void> {
    if (this.keptLayouts.has(layoutId)) return;
    const text = await readFile(join(folder, `profile-${layoutId}.layout`), 'utf8').catch(() => undefined);
    const layout = text === undefined ? undefined : ProfileLayout.safeParse(parsed(text)).data;
    if (layout === undefined) return;
    await this.options.windows.keepLayout(layout);
    if (this.keptLayouts.size >= 10_000) this.keptLayouts.clear();
    this.keptLayouts.add(layoutId);
  }

  /** Puts the layout of its version's reference into the folder of each running instance. */
  private async tellLayouts(owners: ReadonlyMap<string, ProfileOwner>): Promise<void> {
    for (const folder of this.controls.keys()) if (!owners.has(folder)) this.controls.delete(folder);
    if (owners.size === 0) return;
    const all = [...owners.values()];
    const versionIds = [...new Set(all.map(({ versionId }) => versionId))];
    const layouts = await this.options.layouts.layoutsFor(versionIds);
    const learned = await this.options.learning.rowsOf(versionIds);
    const learnRows = await this.options.learnRowsOf([...new Set(all.map(({ deploymentId }) => deploymentId))]);
    for (const [folder, { deploymentId, versionId }] of owners) {
      const layout = layouts.get(versionId) ?? null;
      const wanted = learnRows.get(deploymentId) ?? 0;
      // All of them or none: what is missing changes all the time, and the store takes no more than are wanted.
      const isEnough = layout !== null || (learned.get(versionId) ?? 0) >= wanted;
      await this.tellControl(folder, { layout, learnRows: isEnough ? 0 : wanted });
    }
  }

  private async tellControl(folder: string, control: ProfileControl): Promise<void> {
    const gist = `${control.layout?.id}/${control.learnRows}`;
    if (this.controls.get(folder) === gist) return;
    const path = join(folder, profileControlFile);
    await writeFile(`${path}.new`, JSON.stringify(control), { mode: 0o600 });
    await rename(`${path}.new`, path);
    this.controls.set(folder, gist);
  }

  /** Takes away what would keep the folder of an instance that is gone. */
  private async clear(folder: string, names: readonly string[]): Promise<void> {
    const isLeft = (name: string) => name === profileControlFile || /^profile[-.].*\.new$/.test(name) || profileFileOf(name)?.kind === 'layout';
    for (const name of names.filter(isLeft)) await rm(join(folder, name), { force: true });
  }

  private async drop(path: string): Promise<void> {
    this.tell({ unreadable: 1 });
    await rm(path, { force: true });
  }

  private tell(rows: { counted?: number; lost?: number; unreadable?: number }): void {
    this.options.onShipped?.({ counted: 0, lost: 0, unreadable: 0, ...rows });
  }
}

/** The processes whose files lie in a folder, the earliest first. One is over when another has begun there, or when nothing has been heard of it. */
async function bootsOf(folder: string, names: readonly string[], isLive: boolean, nowMs: number): Promise<Boot[]> {
  const byBoot = new Map<string, ProfileFile[]>();
  for (const name of names) {
    const file = profileFileOf(name);
    if (file === undefined || file.kind === 'layout') continue;
    const files = byBoot.get(file.boot);
    if (files === undefined) byBoot.set(file.boot, [file]);
    else files.push(file);
  }
  const boots = [...byBoot].sort(([a], [b]) => (a < b ? -1 : 1));
  const heardMs = Math.max(0, ...(await Promise.all(names.filter((name) => name.endsWith('.rows')).map((name) => changedMs(join(folder, name))))));
  const isLastOver = !isLive && nowMs - heardMs > silentMs;
  return boots.map(([name, files], index) => ({ name, files, isOver: index < boots.length - 1 || isLastOver }));
}

async function ownerOf(folder: string, boot: Boot | undefined): Promise<ProfileOwner | undefined> {
  const name = boot?.files.find(({ kind }) => kind === 'rows')?.name;
  if (name === undefined) return undefined;
  return readFile(join(folder, name)).then(
    (bytes) => readRowCounts(bytes).owner,
    () => undefined,
  );
}

async function stampOf(path: string): Promise<string | undefined> {
  const facts = await stat(path).catch(() => undefined);
  return facts === undefined ? undefined : `${facts.ino}-${facts.mtimeMs}-${facts.size}`;
}

async function changedMs(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
