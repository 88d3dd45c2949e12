import type { Segment, SegmentInput } from '../blocks/block.js';

/** The body of a prediction request in the binary form of the protocol. */
export interface InferBody {
  readonly body: Buffer;
  /** Bytes of its JSON part; goes into the header Inference-Header-Content-Length. */
  readonly headerBytes: number;
}

/**
 * Rows `from` to `to` of a segment as one request.
 * @param hasRows axis 0 of every input counts rows; otherwise a request has exactly one row.
 */
export function encodeInferBody(segment: Segment, from: number, to: number, hasRows: boolean): InferBody {
  const slices = segment.inputs.map((input) => sliceOf(input, segment.rows.length, from, to));
  const inputs = segment.inputs.map((input, index) => ({
    name: input.name,
    datatype: input.datatype,
    shape: hasRows ? [to - from, ...input.rowShape] : input.rowShape,
    parameters: { binary_data_size: slices[index]?.length ?? 0 },
  }));
  const header = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  return { body: Buffer.concat([header, ...slices]), headerBytes: header.length };
}

/** Bytes of the rows `from` to `to` of a segment, without the JSON part. */
export function bytesOfRows(segment: Segment, from: number, to: number): number {
  return segment.inputs.reduce((sum, input) => sum + sliceOf(input, segment.rows.length, from, to).length, 0);
}

function sliceOf({ data, ends }: SegmentInput, rows: number, from: number, to: number): Buffer {
  if (ends !== undefined) return data.subarray(from === 0 ? 0 : ends[from - 1], ends[to - 1] ?? 0);
  const rowBytes = data.length / rows;
  return data.subarray(from * rowBytes, to * rowBytes);
}
