import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { Datatype, SampledInput } from '@slipway/contracts';
import { deriveKey, sealBytes, unsealBytes } from '@slipway/platform';
import { z } from 'zod';

/** A tensor as the binary form of the protocol has it: little-endian, row-major, texts each behind their length (u32). */
export interface PackedTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly bytes: Buffer;
}

/** What is kept of a request: its inputs, redacted, and the outputs of its answer where they may be kept. */
export interface SamplePayload {
  readonly inputs: readonly PackedTensor[];
  readonly answer: readonly PackedTensor[] | undefined;
}

/** Names the sample; a payload opens under its own reference alone. */
export interface SampleRef {
  readonly projectId: string;
  readonly deploymentId: string;
  readonly id: string;
}

/** Of a payload before compression; no larger request is kept. */
export const samplePayloadBytesMax = 16 * 1024 * 1024;

/** The keys of kept requests: one that encrypts them, and one per project that hashes redacted values. */
export function sampleKey(masterKey: Uint8Array): Buffer {
  return deriveKey(masterKey, 'request samples');
}
export function redactionKey(masterKey: Uint8Array, projectId: string): Buffer {
  return deriveKey(masterKey, `redaction ${projectId}`);
}

const Head = z.object({ name: z.string(), datatype: Datatype, shape: z.array(z.number().int().min(0)), bytes: z.number().int().min(0) });
const Heads = z.object({ inputs: z.array(Head), answer: z.array(Head).nullable() });

/** Compresses and encrypts: u32 length of the head, head (JSON), the tensors' bytes. */
export function sealPayload(key: Uint8Array, ref: SampleRef, { inputs, answer }: SamplePayload): Buffer {
  const head = Buffer.from(JSON.stringify({ inputs: inputs.map(headOf), answer: answer?.map(headOf) ?? null }), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  const whole = Buffer.concat([length, head, ...inputs.map(({ bytes }) => bytes), ...(answer ?? []).map(({ bytes }) => bytes)]);
  // The lowest level: floats hardly get smaller by a higher one.
  return sealBytes(key, deflateRawSync(whole, { level: 1 }), purposeOf(ref, 'payload'));
}

/** @throws when it was sealed under another key or for another request, or is damaged. */
export function openPayload(key: Uint8Array, ref: SampleRef, sealed: Uint8Array): SamplePayload {
  const room = { maxOutputLength: samplePayloadBytesMax + 1024 * 1024 };
  const whole = inflateRawSync(unsealBytes(key, sealed, purposeOf(ref, 'payload')), room);
  const headEnd = 4 + whole.readUInt32LE(0);
  const heads = Heads.parse(JSON.parse(whole.toString('utf8', 4, headEnd)));
  let at = headEnd;
  const take = ({ bytes, ...head }: z.infer<typeof Head>): PackedTensor => {
    const start = at;
    at += bytes;
    return { ...head, bytes: whole.subarray(start, at) };
  };
  return { inputs: heads.inputs.map(take), answer: heads.answer?.map(take) };
}

export function sealSummary(key: Uint8Array, ref: SampleRef, inputs: readonly SampledInput[]): Buffer {
  return sealBytes(key, Buffer.from(JSON.stringify(inputs), 'utf8'), purposeOf(ref, 'summary'));
}

/** @throws like `openPayload`. */
export function openSummary(key: Uint8Array, ref: SampleRef, sealed: Uint8Array): SampledInput[] {
  return z.array(SampledInput).parse(JSON.parse(unsealBytes(key, sealed, purposeOf(ref, 'summary')).toString('utf8')));
}

function headOf({ name, datatype, shape, bytes }: PackedTensor) {
  return { name, datatype, shape, bytes: bytes.length };
}

function purposeOf({ projectId, deploymentId, id }: SampleRef, part: string): string {
  return `${part} ${projectId} ${deploymentId} ${id}`;
}
