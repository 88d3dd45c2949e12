import { z } from 'zod';
import type { Queryable } from '../windows/partitions.store.js';

/** Objectives whose gauges are shown; the rest is left out, so that the number of series has a bound. */
export const toldSlosMax = 500;

/** An objective as it was last judged, for gauges. */
export interface ToldSlo {
  readonly labels: { readonly project: string; readonly deployment: string; readonly slo: string };
  readonly budgetRemaining: number | null;
  /** By long window, as `1h`. */
  readonly errorRatios: readonly { readonly window: string; readonly ratio: number }[];
}

const Evidence = z.object({
  budgetRemaining: z.number().nullable(),
  windows: z.array(z.object({ longSeconds: z.number(), longRatio: z.number().nullable() })),
});

/** What was last judged of every objective. */
export class ToldSloStore {
  constructor(private readonly db: Queryable) {}

  async all(): Promise<ToldSlo[]> {
    const { rows } = await this.db.query<{ project: string; deployment: string; slo: string; evidence: unknown }>(
      `select s."projectId" as project, d."name" as deployment, s."name" as slo, j.evidence from "Slo" s
       join "Deployment" d on d."id" = s."deploymentId" and d."deletedAt" is null
       join telemetry.current_judgements j on j.deployment_id = s."deploymentId" and j.kind = 'slo' and j.subject = s."name"
       where s."enabled" order by s."id" limit ${toldSlosMax}`,
    );
    return rows.flatMap(({ evidence, ...labels }) => {
      const { data } = Evidence.safeParse(evidence);
      if (data === undefined) return [];
      const errorRatios = data.windows.flatMap(({ longSeconds, longRatio }) =>
        longRatio === null ? [] : [{ window: nameOf(longSeconds), ratio: longRatio }],
      );
      return [{ labels, budgetRemaining: data.budgetRemaining, errorRatios }];
    });
  }
}

function nameOf(seconds: number): string {
  return seconds % 86_400 === 0 ? `${seconds / 86_400}d` : `${seconds / 3_600}h`;
}
