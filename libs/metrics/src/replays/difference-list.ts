import { limits, type ReplayDifference } from '@slipway/contracts';

/** The most different requests of a replay: those that one side alone could answer, then by labels that changed, then by distance. */
export class DifferenceList {
  private items: readonly ReplayDifference[];

  constructor(
    before: readonly ReplayDifference[],
    private readonly most: number = limits.replayDifferences,
  ) {
    this.items = before.toSorted(moreDifferent).slice(0, most);
  }

  /** @returns whether it is one of them now; a request without any difference never is. */
  add(difference: ReplayDifference): boolean {
    if (!isDifferent(difference)) return false;
    this.items = [...this.items.filter(({ predictionId }) => predictionId !== difference.predictionId), difference]
      .toSorted(moreDifferent)
      .slice(0, this.most);
    return this.items.includes(difference);
  }

  get list(): readonly ReplayDifference[] {
    return this.items;
  }
}

function failures({ stable, candidate }: ReplayDifference): number {
  return (stable.error === null) === (candidate.error === null) ? 0 : 1;
}

function isDifferent(difference: ReplayDifference): boolean {
  return failures(difference) > 0 || difference.flips > 0 || difference.distance > 0;
}

function moreDifferent(a: ReplayDifference, b: ReplayDifference): number {
  return failures(b) - failures(a) || b.flips - a.flips || b.distance - a.distance || (a.predictionId < b.predictionId ? -1 : 1);
}
