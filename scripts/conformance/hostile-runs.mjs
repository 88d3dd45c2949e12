import { difference } from './compare.mjs';
import { anyRefusalFault, describe } from './transports.mjs';

const deadlineMs = 3_000;
/** What a busy machine may add to the way there and back. */
const slackMs = 1_500;
const recoverMs = 60_000;
const least = -(2n ** 63n);
const headers = { 'slipway-deadline-ms': String(deadlineMs) };

/**
 * Models that only a caller's input makes hostile. The caller of the bad input is refused within its deadline, by REST as by gRPC, and
 * callers of good input are answered before and after.
 */
export const runs = {
  'gather_out_of_range.onnx': (...served) => badThenGood(served, { X: [99] }, { X: [0] }, isCallersFault),
  'int_div_overflow.onnx': (...served) => badThenGood(served, { X: [least], D: [-1] }, { X: [7], D: [2] }, isError),
  'int_mod_by_zero.onnx': (...served) => badThenGood(served, { X: [1], D: [0] }, { X: [7], D: [2] }, isError),
  'loop_trip_count_is_input.onnx': (...served) => badThenGood(served, { M: 1_000_000 }, { M: 1 }, isError),
  'random_output.onnx': isDifferentEachTime,
  'io_zipmap.onnx': async (shelf, name, tensors) => {
    const { answer, outputs } = await shelf.infer(name, tensors({ X: [[1, 2]] }), 'REST JSON');
    if (outputs === undefined) return anyRefusalFault(answer);
    return outputs.length === 1 && outputs[0].name === 'label' ? undefined : 'more than the label is answered';
  },
};

const isCallersFault = (status) => status >= 400 && status < 500;
const isError = (status) => status >= 400;

async function badThenGood([shelf, name, tensors], bad, good, isWanted) {
  const before = await shelf.infer(name, tensors(good), 'REST JSON');
  if (before.outputs === undefined) return `good input before: ${describe(before.answer)}`;
  for (const transport of ['REST binary', 'gRPC raw']) {
    const sentAt = performance.now();
    const { answer } = await shelf.infer(name, tensors(bad), transport, { headers });
    const tookMs = performance.now() - sentAt;
    const fault = anyRefusalFault(answer, isWanted);
    if (fault !== undefined) return `bad input by ${transport}: ${fault}`;
    if (tookMs > deadlineMs + slackMs)
      return `bad input by ${transport} was refused after ${Math.round(tookMs)} ms, its deadline was ${deadlineMs} ms`;
    const after = await firstAnswer(shelf, name, tensors(good));
    if (after === undefined) return `good input is not answered within ${recoverMs / 1000} s after bad input by ${transport}`;
    const different = difference(before.outputs, after);
    if (different !== undefined) return `after bad input by ${transport}: ${different}`;
  }
  return undefined;
}

async function firstAnswer(shelf, name, inputs) {
  const deadline = performance.now() + recoverMs;
  while (performance.now() < deadline) {
    const { outputs } = await shelf.infer(name, inputs, 'REST JSON', { headers });
    if (outputs !== undefined) return outputs;
  }
  return undefined;
}

async function isDifferentEachTime(shelf, name, tensors) {
  const answers = [];
  for (let time = 0; time < 2; time += 1) {
    const { answer, outputs } = await shelf.infer(name, tensors({ X: [0, 0] }), 'REST JSON');
    if (outputs === undefined) return describe(answer);
    answers.push(JSON.stringify(outputs.map(({ values }) => values)));
  }
  return answers[0] === answers[1] ? 'the same answer twice' : undefined;
}
