import { ProfileLayout } from '@slipway/contracts';
import { z } from 'zod';

// Profile files of an instance in its spool folder, beside its records. A boot is one process from its start to its end.
//   profile-<boot>.rows                            rows answered and rows written down, then who this is: the worker sees what was lost
//   profile-<boot>-<segment>.open | .done          totals of a window in one layout, replaced as a whole; `.done`: nothing is added any more
//   profile-<boot>-<sequence>.learn                first rows as they were, sealed
//   profile-<layout>.layout                        the layout of such totals
//   profile.json                                   from the worker: the layout to count in, the rows to learn from

/** Whose rows were counted. */
export const ProfileOwner = z.object({
  instanceId: z.string(),
  deploymentId: z.string(),
  versionId: z.string(),
  versionNumber: z.number().int(),
});
export type ProfileOwner = z.infer<typeof ProfileOwner>;

/** The first line of a file of totals. */
export const TotalsHead = ProfileOwner.extend({
  boot: z.string(),
  /** Which totals of the boot: one window may have several, when the layout changes or the clock is put back. */
  segment: z.number().int(),
  /** Start of the window, epoch ms. */
  startMs: z.number().int(),
  layoutId: z.string(),
  /** Rows of this boot that were written down with this file and those before it. */
  written: z.number().int(),
});
export type TotalsHead = z.infer<typeof TotalsHead>;

/** The first line of a file of learned rows, which are sealed. */
export const LearnedHead = ProfileOwner.extend({
  boot: z.string(),
  sequence: z.number().int(),
  layoutId: z.string(),
  rows: z.number().int(),
  isSealed: z.literal(true),
});
export type LearnedHead = z.infer<typeof LearnedHead>;

/** What the worker tells an instance; it is read again when it changes. `learnRows`: rows wanted as they are from then on. */
export const ProfileControl = z.object({ layout: ProfileLayout.nullable(), learnRows: z.number().int().min(0) });
export type ProfileControl = z.infer<typeof ProfileControl>;

export const profileControlFile = 'profile.json';
/** Bytes before the owner in a `.rows` file: two doubles, rows answered and rows written down. */
export const rowCountBytes = 16;

export type ProfileFile =
  | { readonly kind: 'rows'; readonly name: string; readonly boot: string }
  | { readonly kind: 'totals'; readonly name: string; readonly boot: string; readonly isDone: boolean }
  | { readonly kind: 'learned'; readonly name: string; readonly boot: string }
  | { readonly kind: 'layout'; readonly name: string; readonly layoutId: string };

const rowsPattern = /^profile-([0-9a-z_]+)\.rows$/;
const totalsPattern = /^profile-([0-9a-z_]+)-\d+\.(open|done)$/;
const learnedPattern = /^profile-([0-9a-z_]+)-\d+\.learn$/;
const layoutPattern = /^profile-([0-9a-f]+)\.layout$/;

export const profileFileName = {
  rows: (boot: string) => `profile-${boot}.rows`,
  totals: (boot: string, segment: number) => `profile-${boot}-${segment}.open`,
  learned: (boot: string, sequence: number) => `profile-${boot}-${sequence}.learn`,
  layout: (layoutId: string) => `profile-${layoutId}.layout`,
};

/** What a file in a spool folder is; undefined for anything that is none of these, a half-written one included. */
export function profileFileOf(name: string): ProfileFile | undefined {
  const [, rowsBoot] = rowsPattern.exec(name) ?? [];
  if (rowsBoot !== undefined) return { kind: 'rows', name, boot: rowsBoot };
  const [, boot, state] = totalsPattern.exec(name) ?? [];
  if (boot !== undefined) return { kind: 'totals', name, boot, isDone: state === 'done' };
  const [, learnedBoot] = learnedPattern.exec(name) ?? [];
  if (learnedBoot !== undefined) return { kind: 'learned', name, boot: learnedBoot };
  const [, layoutId] = layoutPattern.exec(name) ?? [];
  return layoutId === undefined ? undefined : { kind: 'layout', name, layoutId };
}

/** A later boot of a folder comes after an earlier one. */
export function bootName(startedAtMs: number, pid: number): string {
  return `${startedAtMs.toString(36)}_${pid.toString(36)}`;
}

/** What a `.rows` file says. @throws when it says nothing of the kind */
export function readRowCounts(bytes: Buffer): { answered: number; written: number; owner: ProfileOwner } {
  const owner = ProfileOwner.parse(JSON.parse(bytes.toString('utf8', rowCountBytes)));
  return { answered: bytes.readDoubleLE(0), written: bytes.readDoubleLE(8), owner };
}

/** Who wrote first rows: an instance from one start to its end. */
export function learnedSource(instanceId: string, boot: string): string {
  return `${instanceId}.${boot}`;
}

/** A line of JSON, then bytes. */
export function headed(head: object, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`, 'utf8'), body]);
}

/** @throws when there is no such head */
export function splitHeaded<T>(schema: z.ZodType<T>, bytes: Buffer): { head: T; body: Buffer } {
  const end = bytes.indexOf(0x0a);
  if (end < 0) throw new RangeError('expected a line that says what follows');
  return { head: schema.parse(JSON.parse(bytes.toString('utf8', 0, end))), body: bytes.subarray(end + 1) };
}
