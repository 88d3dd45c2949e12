import type { Datatype } from './generated/contract.js';
import type { OutputTensor } from './output-tensor.js';
import type { InferAnswer } from './read-answer.js';
import { answerInvalid, inputInvalid } from './slipway-api-error.js';

export interface ServedBy {
  readonly predictionId: string | undefined;
  readonly revision: number | undefined;
  readonly requestId: string | undefined;
}

/** The answer to a prediction. */
export class Prediction {
  /** In the order of the model, or of the outputs that were asked for. */
  readonly outputs: readonly OutputTensor[];
  readonly modelName: string;
  /** The number of the version that served. */
  readonly modelVersion: string;
  /** The number of the revision that served. */
  readonly revision: number | undefined;
  /** The caller's own id of the request, as it was given. */
  readonly id: string | undefined;
  readonly requestId: string | undefined;
  private readonly givenPredictionId: string | undefined;

  constructor(answer: InferAnswer, servedBy: ServedBy) {
    this.outputs = answer.outputs;
    this.modelName = answer.modelName;
    this.modelVersion = answer.modelVersion;
    this.id = answer.id;
    this.revision = servedBy.revision;
    this.requestId = servedBy.requestId;
    this.givenPredictionId = servedBy.predictionId;
  }

  /** The name of this prediction: of its one row, where it has one. @throws SlipwayApiError ANSWER_INVALID when the header was lost on the way. */
  get predictionId(): string {
    if (this.givenPredictionId !== undefined) return this.givenPredictionId;
    throw answerInvalid('the answer came without the header slipway-prediction-id; does something between here and Slipway drop it?');
  }

  /** The name of row `row` of a batch, counted from 0; what a label of that row is sent under. */
  rowId(row: number): string {
    if (!Number.isSafeInteger(row) || row < 0) throw inputInvalid(`expected a row number from 0 on, given ${row}`);
    return `${this.predictionId}#${row}`;
  }

  /** An output by its name, and as one of a datatype where that is said. @throws SlipwayApiError ANSWER_INVALID */
  output(name: string): OutputTensor;
  output<D extends Datatype>(name: string, datatype: D): OutputTensor<D>;
  output(name: string, datatype?: Datatype): OutputTensor {
    const found = this.outputs.find((output) => output.name === name);
    if (found === undefined) {
      throw answerInvalid(
        `there is no output ${JSON.stringify(name)} in the answer, only ${this.outputs.map((output) => JSON.stringify(output.name)).join(', ')}`,
      );
    }
    return datatype === undefined ? found : found.as(datatype);
  }
}
