import { Datatype } from '@slipway/contracts';
import { readBinaryData, type Tensor } from '@slipway/inference';
import type { PackedTensor } from '@slipway/metrics';
import { z } from 'zod';

/** A request in the binary form of the protocol. */
export interface ReplayBody {
  readonly headerBytes: number;
  readonly body: Buffer[];
}

/** The recorded inputs as a request for every output, all of it as bytes. */
export function replayBodyOf(inputs: readonly PackedTensor[]): ReplayBody {
  const heads = inputs.map(({ name, datatype, shape, bytes }) => ({ name, datatype, shape, parameters: { binary_data_size: bytes.length } }));
  const head = Buffer.from(JSON.stringify({ inputs: heads, parameters: { binary_data_output: true } }), 'utf8');
  return { headerBytes: head.length, body: [head, ...inputs.map(({ bytes }) => bytes)] };
}

const Answer = z.object({
  outputs: z.array(
    z.object({
      name: z.string(),
      datatype: Datatype,
      shape: z.array(z.number().int().min(0)),
      parameters: z.object({ binary_data_size: z.number().int().min(0) }),
    }),
  ),
});

/** The outputs of the answer to such a request. @param headerBytes absent when no output has any bytes. */
export function outputsOf(body: Buffer, headerBytes: number | undefined): PackedTensor[] {
  let at = headerBytes ?? body.length;
  return Answer.parse(JSON.parse(body.toString('utf8', 0, at))).outputs.map(({ name, datatype, shape, parameters }) => {
    const start = at;
    at += parameters.binary_data_size;
    return { name, datatype, shape, bytes: body.subarray(start, at) };
  });
}

/** In the form that the runtime has it. */
export function tensorOf({ name, datatype, shape, bytes }: PackedTensor): Tensor {
  return { name, datatype, shape, data: readBinaryData({ name, datatype, shape }, bytes) };
}
