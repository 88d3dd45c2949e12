import type { ObservedAnswer } from '@slipway/contracts';
import type { RoutingDeployment, RoutingRevision } from '@slipway/deployments';
import type { EvidenceRecorder, ServedRequest } from '@slipway/metrics';
import type { CopyFate, CopyHolder, RequestCopy } from './request-copy.js';

/** Copies under way in a gateway, and the bytes of their bodies. */
export const copiesMax = 256;
export const copyBytesMax = 64 * 1024 * 1024;

/** A revision and what it said. */
export type VersionAnswer = readonly [RoutingRevision, ObservedAnswer | undefined];

/** What a gateway's trials share: where evidence goes, and the bounds on copies. */
export class CopyDesk implements CopyHolder {
  /** Copies that were answered, that failed in an instance, and that were given up for want of room or time. */
  readonly counts: Record<CopyFate, number> = { answered: 0, failed: 0, dropped: 0 };
  /** Told what both versions said to one request, where they could be asked: how far they are apart is noise as well. */
  onPair: (deployment: RoutingDeployment, one: VersionAnswer, other: VersionAnswer) => void = () => undefined;
  private readonly open = new Set<RequestCopy>();
  private bytes = 0;

  constructor(
    readonly evidence: EvidenceRecorder,
    /** Where copies are counted as what they are: requests in the role of a shadow. */
    readonly record: (request: ServedRequest) => void,
  ) {}

  /** Copies that are not over. */
  get size(): number {
    return this.open.size;
  }

  get heldBytes(): number {
    return this.bytes;
  }

  /** Takes a copy in; where there is no room, the oldest ones are given up. @returns false for one that is too large by itself. */
  admit(copy: RequestCopy): boolean {
    if (copy.bytes > copyBytesMax) {
      this.counts.dropped += 1;
      return false;
    }
    for (const oldest of this.open) {
      if (this.open.size < copiesMax && this.bytes + copy.bytes <= copyBytesMax) break;
      oldest.giveUp();
    }
    this.open.add(copy);
    this.bytes += copy.bytes;
    return true;
  }

  /** A copy is over. */
  release(copy: RequestCopy, fate: CopyFate): void {
    if (!this.open.delete(copy)) return;
    this.bytes -= copy.bytes;
    this.counts[fate] += 1;
  }

  close(): void {
    for (const copy of this.open) copy.giveUp();
  }
}
