import type { StageEvidence } from '@slipway/contracts';
import type { Queryable } from '../windows/partitions.store.js';
import type { RecordedStage } from './evidence-recorder.js';
import { mergeStageEvidence } from './merge-evidence.js';

/** Totals of one counting of one source, so the later write is the larger one and writing twice is harmless. */
const upsert = `
insert into telemetry.rollout_evidence (subject_id, stage, source, evidence, updated_at)
select subject_id, stage, $2::text || '.' || part::text, evidence, now()
from jsonb_to_recordset($1::jsonb) as e(subject_id text, stage integer, part integer, evidence jsonb)
order by subject_id, stage, part
on conflict (subject_id, stage, source) do update set evidence = excluded.evidence, updated_at = excluded.updated_at`;

/** What gateways have seen of rollouts and shadows. */
export class RolloutEvidenceStore {
  /** @param source names the counting process; another one for each start, or its totals would replace those of before. */
  constructor(
    private readonly db: Queryable,
    private readonly source: string,
  ) {}

  async write(stages: readonly Pick<RecordedStage, 'subjectId' | 'part' | 'evidence'>[]): Promise<void> {
    if (stages.length === 0) return;
    const rows = stages.map(({ subjectId, part, evidence }) => ({ subject_id: subjectId, stage: evidence.stage, part, evidence }));
    await this.db.query(upsert, [JSON.stringify(rows), this.source]);
  }

  /** One per stage that has seen anything, in their order: the sum over all sources. */
  async read(subjectId: string): Promise<StageEvidence[]> {
    const { rows } = await this.db.query<{ stage: number; evidence: StageEvidence }>(
      'select stage, evidence from telemetry.rollout_evidence where subject_id = $1 order by stage, source',
      [subjectId],
    );
    const stages = new Map<number, StageEvidence>();
    for (const { stage, evidence } of rows) {
      const known = stages.get(stage);
      stages.set(stage, known === undefined ? evidence : mergeStageEvidence(known, evidence));
    }
    return [...stages.values()];
  }
}
