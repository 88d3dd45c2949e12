import type { NoiseReference, Signature, Task } from '@slipway/contracts';
import { canaryInputs, type Tensor } from '@slipway/inference';
import { answerSpread, noiseReferenceOf } from '@slipway/metrics/noise';
import { copyOf, madeUpInputs } from '../instance/noise/probe-sample.js';
import { comparedOutputs, probedAnswer } from '../instance/noise/probed-answer.js';

/** Answers per input. */
const runs = 5;
/** Slower models are not repeated: their validation has other things to find out in its time. */
const slowestMs = 100;
/** What an unstable order of additions leaves of 32-bit floats. */
const tolerance = 1e-6;

/**
 * Runs generated inputs over again and tells how far the answers lie apart; none but a random model gives anything but the same.
 * @returns undefined where it cannot be afforded, or the model takes no generated inputs
 */
export function measureRepeats(
  run: (inputs: readonly Tensor[], names: readonly string[]) => readonly Tensor[],
  { signature, task, runMs }: { readonly signature: Signature; readonly task: Task; readonly runMs: number | null },
): NoiseReference | undefined {
  if (runMs === null || runMs > slowestMs) return undefined;
  const names = comparedOutputs(signature, task);
  const samples = [canaryInputs(signature), madeUpInputs(signature)].flatMap((inputs) => {
    try {
      const answers = Array.from({ length: inputs === undefined ? 0 : runs }, () => probedAnswer(task, run(copyOf(inputs ?? []), names)));
      return answerSpread(answers) ?? [];
    } catch {
      // Values that this model takes for no input of its own.
      return [];
    }
  });
  return samples.length === 0 ? undefined : { repeat: noiseReferenceOf(samples) };
}

/** A sentence for people, where there is something to say. */
export function noteOfRepeats(noise: NoiseReference | undefined): string | undefined {
  const most = noise?.['repeat']?.p95 ?? 0;
  if (most <= tolerance) return undefined;
  return `The same input gets different answers, apart by ${Number(most.toPrecision(2))} of the answer: the model draws random numbers, or does not add up in a fixed order.`;
}
