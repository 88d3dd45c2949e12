import type { NoiseReference, ReferenceBody, Task } from '@slipway/contracts';
import {
  type AnswerSpread,
  answerSpread,
  hasSpread,
  type InputSpreads,
  inputSpreads,
  noiseReferenceOf,
  type ProbedAnswer,
} from '@slipway/metrics/noise';
import { encodeInferBody, type InferBody, type Segment } from '@slipway/tables';
import type { ModelProcess } from '../evaluations/model-process.js';
import { ScoreColumns } from '../evaluations/score-columns.js';

/** Runs of one row, as the probes of a deployment make them. */
const repeats = 5;
const disturbed = 16;
/** Rows that are measured: as many as make a 95 % quantile that can be ranked against. */
export const measuredRows = 128;

export interface NoiseMeasurement {
  readonly model: ModelProcess;
  /** Requests of one row each. */
  readonly samples: readonly InferBody[];
  readonly task: Task;
  /** Tells how far the inputs spread. */
  readonly reference: Pick<ReferenceBody, 'layout' | 'columns'>;
  /** Time after which no more rows are begun. */
  readonly limitMs: number;
}

/**
 * Measures on rows of a reference what the probes of a deployment are judged against: how far answers to one row lie apart, run over again as it is
 * and with its numbers disturbed. Rows that the model does not take are left out.
 * @returns null where nothing can be compared: a task that names no prediction
 * @throws ProcessEnded when the model's process ends on it; the signal's reason
 */
export async function measureNoise({ model, samples, task, reference, limitMs }: NoiseMeasurement): Promise<NoiseReference | null> {
  if (task.kind === 'other') return null;
  const spreads = inputSpreads(reference);
  const canDisturb = hasSpread(spreads);
  const seen: { readonly repeat: AnswerSpread[]; readonly jitter: AnswerSpread[] } = { repeat: [], jitter: [] };
  const until = performance.now() + limitMs;
  for (const sample of samples.slice(0, measuredRows)) {
    if (performance.now() > until) break;
    const ask = (count: number, disturb?: InputSpreads) => askOften(model, sample, task, { count, disturb });
    const [plain, moved] = [await ask(repeats), canDisturb ? await ask(disturbed, spreads) : undefined];
    if (plain !== undefined) seen.repeat.push(plain);
    if (moved !== undefined) seen.jitter.push(moved);
  }
  const measured = Object.entries(seen).filter(([, spread]) => spread.length > 0);
  return measured.length === 0 ? null : Object.fromEntries(measured.map(([probe, spread]) => [probe, noiseReferenceOf(spread)]));
}

async function askOften(
  model: ModelProcess,
  sample: InferBody,
  task: Task,
  { count, disturb }: { readonly count: number; readonly disturb: InputSpreads | undefined },
): Promise<AnswerSpread | undefined> {
  const answers: ProbedAnswer[] = [];
  for (let run = 0; run < count; run += 1) {
    const reply = await model.run(sample, 1, disturb);
    if (reply.kind === 'failed') return undefined;
    const [row] = new ScoreColumns(reply).rows();
    if (row === undefined || row.prediction === null) return undefined;
    answers.push(answerOf(task, row));
  }
  return answerSpread(answers);
}

/** As an instance gives it to a probe. */
function answerOf(
  { kind }: Task,
  { prediction, scores }: { readonly prediction: string | number | null; readonly scores: ArrayLike<number> | undefined },
): ProbedAnswer {
  if (kind === 'regression') return { values: typeof prediction === 'number' ? [prediction] : [] };
  return { values: scores ?? [], label: prediction };
}

/** Keeps a fair sample of rows, each as a request of its own, however many come by (reservoir sampling; J. Vitter, 1985). */
export class SampledRows {
  readonly samples: InferBody[] = [];
  private seen = 0;

  constructor(
    private readonly hasRows: boolean,
    private readonly random: () => number = Math.random,
  ) {}

  add(segment: Segment): void {
    for (let row = 0; row < segment.rows.length; row += 1) {
      this.seen += 1;
      const place = this.seen <= measuredRows ? this.samples.length : Math.floor(this.random() * this.seen);
      if (place < measuredRows) this.samples[place] = encodeInferBody(segment, row, row + 1, this.hasRows);
    }
  }
}
