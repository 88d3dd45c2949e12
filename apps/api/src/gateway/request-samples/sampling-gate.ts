import type { RequestSamples } from '@slipway/contracts';

/**
 * Which requests of a revision are kept: those whose prediction id falls into the wished share, as far as the rate allows. A kept one stands
 * for all requests since the one kept before it, so the share that was kept is known whatever the rate did.
 */
export class SamplingGate {
  private unrepresented = 0;
  private tokens: number | undefined;
  private filledAtMs = 0;

  /** @returns how many requests this one stands for, or undefined when it is not kept. */
  admit(predictionId: string, { percent, perMinute }: Pick<RequestSamples, 'percent' | 'perMinute'>, nowMs: number): number | undefined {
    this.unrepresented += 1;
    if (percent < 100 && shareOf(predictionId) * 100 >= percent) return undefined;
    if (!this.take(perMinute, nowMs)) return undefined;
    const represents = this.unrepresented;
    this.unrepresented = 0;
    return represents;
  }

  /** One that was admitted could not be kept after all: the next one stands for it too. */
  missed(represents: number): void {
    this.unrepresented += represents;
  }

  /** A second's worth at once at most, so that what is kept is spread over the minute. */
  private take(perMinute: number, nowMs: number): boolean {
    const most = Math.max(1, perMinute / 60);
    const gained = ((nowMs - this.filledAtMs) / 60_000) * perMinute;
    const tokens = Math.min(most, (this.tokens ?? most) + gained);
    this.filledAtMs = nowMs;
    this.tokens = tokens >= 1 ? tokens - 1 : tokens;
    return tokens >= 1;
  }
}

/** 0–1, the same for the same id everywhere. FNV-1a, then the finaliser of MurmurHash3: ids of one moment differ in their last character only. */
export function shareOf(predictionId: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < predictionId.length; at += 1) hash = Math.imul(hash ^ predictionId.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
