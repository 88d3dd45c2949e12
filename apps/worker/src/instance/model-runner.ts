import { type Signature, SlipwayError } from '@slipway/contracts';
import {
  canaryInputs,
  decodeRequest,
  elementCount,
  encodeAnswer,
  type FrameHeader,
  hasNaN,
  type InstanceSpec,
  RuntimeSession,
  type Tensor,
  toRunError,
} from '@slipway/inference';
import { type PredictedRows, predictedRows, rowsOf } from './predicted-rows.js';
import type { PredictionRecord } from './record-spool.js';

/** One answered request: what goes back, and what a record needs. */
export interface RunAnswer {
  readonly header: FrameHeader;
  readonly body: Buffer;
  readonly outputs: readonly Tensor[];
  readonly rows: number;
  readonly computeMicros: number;
  readonly clientId?: string;
}

/** A loaded model with the request's way through it: decode, check, run, encode. Everything blocks. */
export class ModelRunner {
  private readonly session: RuntimeSession;
  private readonly signature: Signature;
  /** Outputs a record is made of; run along even where the caller asked for others. */
  private readonly recordOutputs: readonly string[];

  constructor(private readonly spec: InstanceSpec) {
    this.signature = spec.signature;
    this.session = new RuntimeSession(spec.modelPath, spec.session);
    const { predictionOutput, scoreOutput } = spec.task ?? {};
    const known = (name: string | undefined): name is string => spec.signature.outputs.some((output) => output.name === name);
    this.recordOutputs = spec.records.enabled ? [predictionOutput, scoreOutput].filter(known) : [];
  }

  /**
   * Runs the model on generated inputs twice: the first run allocates, the second is what a request will meet.
   * A model that cannot take generated values may still serve, so its refusal of them is no failure; the process dying of them is.
   */
  warmUp(): void {
    const names = this.signature.outputs.map((output) => output.name);
    try {
      for (let round = 0; round < 2; round++) this.session.run(canaryInputs(this.signature), names);
    } catch {
      // Which inputs a model can take is known to its callers only; loading has already proven the file.
    }
  }

  /** @throws SlipwayError for the caller */
  answer(body: Buffer, header: FrameHeader): RunAnswer {
    const request = decodeRequest(body, header, this.signature, this.spec.limits);
    const names = request.outputs.map((output) => output.name);
    const extra = this.recordOutputs.filter((name) => !names.includes(name));
    const startedAt = performance.now();
    const outputs = this.run(request.inputs, [...names, ...extra]);
    const computeMicros = Math.round((performance.now() - startedAt) * 1000);
    const answered = extra.length === 0 ? outputs : outputs.slice(0, names.length);
    const encoded = encodeAnswer({
      modelName: header.modelName ?? this.spec.deploymentName,
      modelVersion: String(this.spec.versionNumber),
      outputs: answered,
      wanted: request.outputs,
      ...(request.id === undefined ? {} : { id: request.id }),
      ...(header.acceptEncoding === undefined ? {} : { acceptEncoding: header.acceptEncoding }),
    });
    const rows = rowsOf(request.inputs, this.spec.task?.rowAxis);
    const { body: answerBody, ...encodedHeader } = encoded;
    const clientId = request.id === undefined ? {} : { clientId: request.id };
    const invalidOutput = answered.some(hasNaN) ? { invalidOutput: 1 } : {};
    return {
      header: { ...encodedHeader, ...clientId, ...invalidOutput, rows, computeMicros },
      body: answerBody,
      outputs,
      rows,
      computeMicros,
      ...clientId,
    };
  }

  /** The record of an answered request, as the spool keeps it. */
  record(answer: RunAnswer, header: FrameHeader): PredictionRecord {
    const { spec } = this;
    const predicted: PredictedRows = spec.task ? predictedRows(spec.task, answer.outputs, Math.min(answer.rows, spec.records.maxRowsPerRequest)) : {};
    return {
      id: header.predictionId ?? '',
      t: Date.now(),
      dep: spec.deploymentId,
      rev: spec.revisionId,
      ver: spec.versionId,
      vn: spec.versionNumber,
      n: answer.rows,
      us: answer.computeMicros,
      ...(answer.clientId === undefined ? {} : { cid: answer.clientId }),
      k: 'live',
      ...predicted,
    };
  }

  private run(inputs: readonly Tensor[], names: readonly string[]): Tensor[] {
    let outputs: Tensor[];
    try {
      outputs = this.session.run(inputs, names);
    } catch (error) {
      throw toRunError(error);
    }
    const elements = outputs.reduce((sum, output) => sum + elementCount(output.shape), 0);
    if (elements > this.spec.limits.maxOutputElements) {
      throw new SlipwayError(
        'INFER_OUTPUT_TOO_LARGE',
        `the answer has ${elements} values, the limit is ${this.spec.limits.maxOutputElements}; ask for less at once`,
      );
    }
    return outputs;
  }
}
