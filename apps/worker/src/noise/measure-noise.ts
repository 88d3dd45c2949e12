import type { NoiseReference, ReferenceBody, Task } from '@slipway/contracts';
import { type AnswerSpread, hasSpread, type InputSpreads, inputSpreads, noiseReferenceOf, seededRandom } from '@slipway/metrics/noise';
import { encodeInferBody, type InferBody, type Segment } from '@slipway/tables';
import { EvaluationFailure, ModelProcess, type ModelProcessOptions, ProcessEnded } from '../evaluations/model-process.js';

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
 * The same in a process of its own that is started for it. That a model does not stand it is no fault of the reference, which then has no noise.
 * @throws the signal's reason
 */
export async function measureNoiseApart(options: ModelProcessOptions, of: Omit<NoiseMeasurement, 'model' | 'task'>): Promise<NoiseReference | null> {
  const { task } = options.spec;
  if (task.kind === 'other') return null;
  let model: ModelProcess | undefined;
  try {
    model = await ModelProcess.start(options);
    return await measureNoise({ ...of, model, task });
  } catch (error) {
    if (error instanceof ProcessEnded || error instanceof EvaluationFailure) return null;
    throw error;
  } finally {
    await model?.close();
  }
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
  const seen: { readonly repeat: AnswerSpread[]; readonly jitter: AnswerSpread[] } = { repeat: [], jitter: [] };
  const until = performance.now() + limitMs;
  for (const [seed, sample] of samples.slice(0, measuredRows).entries()) {
    if (performance.now() > until) break;
    // The same for the same rows each time, so that two references made of one file are one.
    const said = await model.measure(sample, { repeats, disturbed, seed, ...(hasSpread(spreads) ? { spreads: copyOf(spreads) } : {}) });
    if (said?.repeat !== undefined) seen.repeat.push(said.repeat);
    if (said?.jitter !== undefined) seen.jitter.push(said.jitter);
  }
  const measured = Object.entries(seen).filter(([, spread]) => spread.length > 0);
  return measured.length === 0 ? null : Object.fromEntries(measured.map(([probe, spread]) => [probe, noiseReferenceOf(spread)]));
}

function copyOf(spreads: InputSpreads): Record<string, (number | null)[]> {
  return Object.fromEntries(Object.entries(spreads).map(([tensor, own]) => [tensor, [...own]]));
}

/** Keeps a fair sample of rows, each as a request of its own, however many come by (reservoir sampling; J. Vitter, 1985). */
export class SampledRows {
  readonly samples: InferBody[] = [];
  private seen = 0;

  constructor(
    private readonly hasRows: boolean,
    private readonly random = seededRandom(1),
  ) {}

  add(segment: Segment): void {
    for (let row = 0; row < segment.rows.length; row += 1) {
      this.seen += 1;
      const place = this.seen <= measuredRows ? this.samples.length : Math.floor(this.random() * this.seen);
      if (place < measuredRows) this.samples[place] = encodeInferBody(segment, row, row + 1, this.hasRows);
    }
  }
}
