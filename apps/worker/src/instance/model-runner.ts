import { SlipwayError } from '@slipway/contracts';
import {
  bodyBytesOf,
  canJoin,
  contentKinds,
  decodeGrpcRequest,
  decodeRequest,
  elementCount,
  encodeAnswer,
  encodeGrpcAnswer,
  type FrameBody,
  type FrameHeader,
  hasNaN,
  type InferRequest,
  type InstanceSpec,
  joinKey,
  nanOutput,
  outOfRange,
  type Tensor,
} from '@slipway/inference';
import { isOutOfRange } from './is-out-of-range.js';
import { observeAnswer } from './observe-answer.js';
import { rowsOf } from './predicted-rows.js';
import { RecordWriter } from './record-writer.js';

/** Well below what a connection carries in one piece. */
const maxAnswerBytes = 512 * 1024 * 1024;
const grpcKind = contentKinds.indexOf('grpc');

/** A request that was read and checked. */
export interface Prepared {
  readonly request: InferRequest;
  readonly rows: number;
  /** Requests with equal keys fit into one run. */
  readonly key: string;
  /** Whether it may share a run at all. */
  readonly isJoinable: boolean;
  readonly decodeMicros: number;
  /** Somebody wants to know what was predicted. */
  readonly isObserved: boolean;
}

/** One answered request: what goes back, and what a record needs. */
export interface RunAnswer {
  readonly header: FrameHeader;
  readonly body: FrameBody;
  /** Those asked for and those a record is made of. */
  readonly outputs: readonly Tensor[];
  readonly rows: number;
  readonly computeMicros: number;
  readonly clientId?: string;
}

/** What is known of the run that a request was part of. */
export interface RunFacts {
  readonly computeMicros: number;
  readonly batchRows: number;
  readonly isFirst: boolean;
}

/** A request's way into a run and out of it: decode and check before, encode and record after. */
export class ModelRunner {
  private readonly allOutputs: readonly string[];
  /** Outputs that a record is made of; run along even where the caller asked for others. */
  private readonly recordOutputs: readonly (string | undefined)[];
  /** Outputs that an observed answer is made of. */
  private readonly taskOutputs: readonly (string | undefined)[];
  private readonly hasRows: boolean;
  private readonly records: RecordWriter;

  constructor(private readonly spec: InstanceSpec) {
    this.allOutputs = spec.signature.outputs.map((output) => output.name);
    this.taskOutputs = [spec.task?.predictionOutput, spec.task?.scoreOutput];
    this.recordOutputs = spec.records.enabled || spec.monitoring?.profiles === true ? this.taskOutputs : [];
    this.hasRows = spec.batching.isOn;
    this.records = new RecordWriter(spec);
  }

  /** @throws SlipwayError for the caller */
  prepare(body: Buffer, header: FrameHeader): Prepared {
    const { spec } = this;
    const startedAt = performance.now();
    const request =
      header.contentKind === grpcKind
        ? decodeGrpcRequest(body, spec.signature, spec.limits)
        : decodeRequest(body, header, spec.signature, spec.limits);
    const rows = rowsOf(request.inputs, spec.task?.rowAxis);
    const { maxRows } = spec.limits;
    if (maxRows !== undefined && rows > maxRows) {
      throw new SlipwayError('INFER_INVALID', `the request has ${rows} rows; this revision takes at most ${maxRows} at once`);
    }
    const key = this.hasRows ? joinKey(spec.signature, request.inputs) : '';
    const isJoinable = this.hasRows && canJoin(request.inputs, rows);
    return { request, rows, key, isJoinable, decodeMicros: (performance.now() - startedAt) * 1e3, isObserved: header.observe === 1 };
  }

  /** The outputs that a run must give for these requests, in the order of the signature. */
  outputNames(group: readonly Prepared[]): readonly string[] {
    const { allOutputs } = this;
    const besides = group.some(({ isObserved }) => isObserved) ? this.taskOutputs : this.recordOutputs;
    if (group.some(({ request }) => request.outputs.length === allOutputs.length)) return allOutputs;
    return allOutputs.filter((name) => besides.includes(name) || group.some(({ request }) => request.outputs.some((wanted) => wanted.name === name)));
  }

  /** The answer to a request from the outputs of its rows. @throws SlipwayError for the caller */
  finish(prepared: Prepared, outputs: readonly Tensor[], run: RunFacts, header: FrameHeader): RunAnswer {
    const { request, rows } = prepared;
    const startedAt = performance.now();
    const answered = pickOutputs(outputs, request);
    this.checkSize(answered);
    const encode = header.contentKind === grpcKind ? encodeGrpcAnswer : encodeAnswer;
    const encoded = encode({
      modelName: header.modelName ?? this.spec.deploymentName,
      modelVersion: String(this.spec.versionNumber),
      outputs: answered,
      wanted: request.outputs,
      task: this.spec.task ?? null,
      mediaType: request.mediaType,
      ...(request.id === undefined ? {} : { id: request.id }),
      ...(header.acceptEncoding === undefined ? {} : { acceptEncoding: header.acceptEncoding }),
    });
    const bytes = encoded.body.length + bodyBytesOf(encoded.tails ?? []);
    if (bytes > maxAnswerBytes) {
      throw new SlipwayError('INFER_OUTPUT_TOO_LARGE', `the answer has ${bytes} bytes, the limit is ${maxAnswerBytes}; ask for less at once`);
    }
    const observed = prepared.isObserved
      ? Buffer.from(JSON.stringify(observeAnswer(this.spec.task ?? undefined, answered, outputs, rows)), 'utf8')
      : undefined;
    const clientId = request.id === undefined ? {} : { clientId: request.id };
    return {
      header: {
        contentType: encoded.contentType,
        contentEncoding: encoded.contentEncoding,
        inferenceHeaderContentLength: encoded.inferenceHeaderContentLength,
        clientId: request.id,
        invalidOutput: this.judgeOutputs(answered),
        observedBytes: observed?.length,
        rows,
        batchRows: run.batchRows,
        runs: run.isFirst ? 1 : 0,
        computeMicros: run.computeMicros,
        decodeMicros: prepared.decodeMicros,
        encodeMicros: (performance.now() - startedAt) * 1e3,
      },
      body: bodyOf(encoded, observed),
      outputs,
      rows,
      computeMicros: run.computeMicros,
      ...clientId,
    };
  }

  /** The record of an answered request, as the spool keeps it. `drawn`: with which probability it was to be recorded. */
  record(
    answer: RunAnswer,
    { request, header }: { request: InferRequest; header: FrameHeader },
    drawn: { probability: number; queueMicros: number },
  ) {
    return this.records.record(answer, { id: header.predictionId ?? '', inputs: request.inputs, ...drawn });
  }

  /** Undefined for a sound answer. */
  private judgeOutputs(answered: readonly Tensor[]): number | undefined {
    if (answered.some(hasNaN)) return nanOutput;
    const { outputRanges } = this.spec;
    return outputRanges !== undefined && isOutOfRange(outputRanges, answered) ? outOfRange : undefined;
  }

  private checkSize(outputs: readonly Tensor[]): void {
    const { maxOutputElements } = this.spec.limits;
    let elements = 0;
    for (const { shape } of outputs) elements += elementCount(shape);
    if (elements > maxOutputElements) {
      throw new SlipwayError('INFER_OUTPUT_TOO_LARGE', `the answer has ${elements} values, the limit is ${maxOutputElements}; ask for less at once`);
    }
  }
}

function bodyOf(encoded: { readonly body: Buffer; readonly tails?: readonly Buffer[] }, observed: Buffer | undefined): FrameBody {
  if (encoded.tails === undefined && observed === undefined) return encoded.body;
  return [encoded.body, ...(encoded.tails ?? []), ...(observed === undefined ? [] : [observed])];
}

/** In the order in which they were asked for; nearly always that is the order of the model. */
function pickOutputs(outputs: readonly Tensor[], { outputs: wanted }: InferRequest): readonly Tensor[] {
  if (wanted.length === outputs.length && wanted.every(({ name }, index) => outputs[index]?.name === name)) return outputs;
  return wanted.flatMap(({ name }) => outputs.find((output) => output.name === name) ?? []);
}
