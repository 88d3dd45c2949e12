import type { PairEvidence, StageEvidence } from '@slipway/contracts';
import { addPairs, noPairs } from './compare-answers.js';
import { type ObservedRequest, ObservedSide } from './observed-side.js';

/** What evidence belongs to: the id of a rollout and its stage, or of a shadow and stage 0. */
export interface EvidenceSubject {
  readonly subjectId: string;
  readonly stage: number;
}

export type EvidenceSide = 'stable' | 'candidate' | 'shadow';

/** The running totals of one subject's stage, as one source has seen them. */
export interface RecordedStage {
  readonly subjectId: string;
  readonly evidence: StageEvidence;
  /** Which counting of that stage it is: totals that were forgotten begin anew under another number, beside those that were written. */
  readonly part: number;
  /** Grows with each change. */
  readonly revision: number;
}

/** Stages that are counted at the same time; beyond it the oldest gives way. */
export const recordedStagesMax = 2_000;

interface Counted {
  readonly subject: EvidenceSubject;
  readonly sides: Readonly<Record<EvidenceSide, ObservedSide>>;
  pairs: PairEvidence;
  readonly part: number;
  revision: number;
  written: number;
}

/**
 * Counts in memory what a gateway sees of candidates and shadows. Totals only grow, so writing them twice is harmless, and what could not be
 * written while the database was away is written with the next totals.
 */
export class EvidenceRecorder {
  /** In the order in which they were first seen. */
  private readonly stages = new Map<string, Counted>();
  /** Stages that were given up. */
  dropped = 0;
  private parts = 0;

  /** An answer, or a failure, of a side. */
  count(subject: EvidenceSubject, side: EvidenceSide, request: ObservedRequest): void {
    this.changed(subject).sides[side].count(request);
  }

  /** Two answers to one request, compared. */
  pair(subject: EvidenceSubject, increment: PairEvidence): void {
    const counted = this.changed(subject);
    counted.pairs = addPairs(counted.pairs, increment);
  }

  /** A process of a side ended while it served. */
  crashed(subject: EvidenceSubject, side: EvidenceSide): void {
    this.changed(subject).sides[side].crashes += 1;
  }

  /** What one stage has come to; undefined when nothing was seen. */
  of({ subjectId, stage }: EvidenceSubject): StageEvidence | undefined {
    const counted = this.stages.get(keyOf(subjectId, stage));
    return counted === undefined ? undefined : show(counted);
  }

  /** Stages that changed since they were last written. */
  takeDirty(): RecordedStage[] {
    return [...this.stages.values()]
      .filter(({ revision, written }) => revision > written)
      .map((counted) => ({ subjectId: counted.subject.subjectId, evidence: show(counted), part: counted.part, revision: counted.revision }));
  }

  acknowledge(written: readonly RecordedStage[]): void {
    for (const { subjectId, evidence, part, revision } of written) {
      const counted = this.stages.get(keyOf(subjectId, evidence.stage));
      if (counted?.part === part) counted.written = Math.max(counted.written, revision);
    }
  }

  /** Forgets what is written and of subjects that are over. */
  retain(subjectIds: ReadonlySet<string>): void {
    for (const [key, { subject, revision, written }] of this.stages) {
      if (revision === written && !subjectIds.has(subject.subjectId)) this.stages.delete(key);
    }
  }

  private changed(subject: EvidenceSubject): Counted {
    const key = keyOf(subject.subjectId, subject.stage);
    const known = this.stages.get(key);
    if (known !== undefined) {
      known.revision += 1;
      return known;
    }
    this.makeRoom();
    this.parts += 1;
    const counted = { subject, sides: newSides(), pairs: noPairs, part: this.parts, revision: 1, written: 0 };
    this.stages.set(key, counted);
    return counted;
  }

  private makeRoom(): void {
    if (this.stages.size < recordedStagesMax) return;
    const [oldest] = this.stages.keys();
    if (oldest !== undefined) this.stages.delete(oldest);
    this.dropped += 1;
  }
}

function newSides(): Counted['sides'] {
  return { stable: new ObservedSide(), candidate: new ObservedSide(), shadow: new ObservedSide() };
}

function show({ subject, sides, pairs }: Counted): StageEvidence {
  return { stage: subject.stage, stable: sides.stable.show(), candidate: sides.candidate.show(), shadow: sides.shadow.show(), pairs };
}

function keyOf(subjectId: string, stage: number): string {
  return `${subjectId}.${stage}`;
}
