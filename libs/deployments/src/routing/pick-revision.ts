import type { SplitShare } from './derive-split.js';
import type { RoutingDeployment, RoutingRevision } from './snapshot.js';

/**
 * The revision that a routing key belongs to. The same key always gets the same revision under the same split, and while the newest
 * revision's share grows, a key that is on it stays on it.
 * @returns undefined when the split is empty.
 */
export function pickRevision(split: readonly SplitShare[], salt: string, key: string): string | undefined {
  const only = split[0];
  if (only === undefined || split.length === 1) return only?.revisionId;
  const point = hashToUnit(salt, key) * 100;
  let edge = 0;
  for (const share of split) {
    edge += share.weightPercent;
    if (point < edge) return share.revisionId;
  }
  // Shares that sum to a hair below 100 (rounded parts) leave a sliver at the end; it belongs to the last one.
  return split[split.length - 1]?.revisionId;
}

/** How a version asked for by number is found. */
export type VersionChoice =
  | { readonly kind: 'revision'; readonly revision: RoutingRevision }
  | { readonly kind: 'loading' }
  | { readonly kind: 'none' };

/**
 * The newest warm revision with a version number. It is never re-routed to another version.
 * @param isWarm whether the revision can answer now.
 */
export function pickVersion(deployment: RoutingDeployment, versionNumber: number, isWarm: (revision: RoutingRevision) => boolean): VersionChoice {
  let loading = false;
  for (const revision of deployment.revisions) {
    if (revision.versionNumber !== versionNumber) continue;
    if (isWarm(revision)) return { kind: 'revision', revision };
    loading ||= revision.instances.length > 0;
  }
  return loading ? { kind: 'loading' } : { kind: 'none' };
}

/** Uniform in [0, 1): FNV-1a over both strings, then the finaliser of MurmurHash3, since FNV alone leaves its high bits uneven on short keys. */
export function hashToUnit(salt: string, key: string): number {
  let hash = fnv1a(fnv1a(0x811c9dc5, salt) ^ 0x3a, key);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}

function fnv1a(seed: number, text: string): number {
  let hash = seed;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
