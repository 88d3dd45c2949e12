import { type CallOptions, type Exchange, headerText } from './exchange.client.js';
import { type DeploymentView, type LabelInput, type LabelsAccepted, headers as names } from './generated/contract.js';
import type { MetadataCache } from './metadata-cache.js';
import { Prediction } from './prediction.js';
import { type ModelMetadata, readModelMetadata } from './protocol-metadata.js';
import { readAnswer } from './read-answer.js';
import { type LabelOptions, sendLabels } from './send-labels.js';
import { inputInvalid, SlipwayApiError } from './slipway-api-error.js';
import { type Inputs, type NamedInput, namedInputs } from './tensor-input.js';
import { needsMetadata, toWireTensor } from './wire-tensor.js';
import { type RequestFormat, writeRequest } from './write-request.js';

export interface VersionOptions extends CallOptions {
  /** A version of the model by its number; absent: the traffic split decides. */
  readonly version?: number;
}

export interface PredictOptions extends VersionOptions {
  /** The outputs wanted; absent: all of them. */
  readonly outputs?: readonly string[];
  /** The caller's own id of this request: echoed, kept with the prediction, and good to label it under (`clientId`). */
  readonly id?: string;
  /** Requests with the same key are served by the same revision while the split stays. */
  readonly routingKey?: string;
  /** The server gives up after this, from the moment of the call on. Absent: the deployment's own. */
  readonly deadlineMs?: number;
  /** 1 is the most urgent, 255 the least; 0 and absent: the default. */
  readonly priority?: number;
  /** How inputs are sent. `auto`: what is large, or no JSON, as bytes. */
  readonly format?: RequestFormat;
  /** How outputs come back: as bytes, from which nothing is lost, or as JSON for a look at the wire. Default `binary`. */
  readonly answerFormat?: 'binary' | 'json';
}

/** One deployment: predictions, labels, what it takes and gives. Cheap to make; it keeps nothing open. */
export class DeploymentClient {
  constructor(
    readonly name: string,
    private readonly exchange: Exchange,
    private readonly cache: MetadataCache,
  ) {}

  /**
   * One prediction. Inputs are nested lists or typed arrays by name; where datatype or shape do not follow from them, the deployment's
   * metadata is asked for once and kept for a minute.
   * @throws SlipwayApiError
   */
  async predict(inputs: Inputs, options: PredictOptions = {}): Promise<Prediction> {
    const startedAt = performance.now();
    const named = namedInputs(inputs);
    if (!named.some(needsMetadata)) return this.infer(named, undefined, options);
    const metadata = await this.knownMetadata(options);
    try {
      return await this.infer(named, metadata, shortened(options, performance.now() - startedAt));
    } catch (error) {
      // Another version may serve by now, with other inputs. Nothing was run, so what the new one takes may be sent instead.
      if (!(error instanceof SlipwayApiError) || error.code !== 'INFER_INVALID') throw error;
      this.cache.forget(this.cacheKey(options));
      const fresh = await this.knownMetadata(options);
      if (JSON.stringify(fresh.inputs) === JSON.stringify(metadata.inputs)) throw error;
      return this.infer(named, fresh, shortened(options, performance.now() - startedAt));
    }
  }

  /** What becomes of one label. @throws SlipwayApiError */
  async label(label: LabelInput, options: LabelOptions = {}): Promise<LabelsAccepted['results'][number]> {
    const { results } = await this.labels([label], options);
    const [result] = results;
    if (result === undefined) throw new SlipwayApiError('ANSWER_INVALID', 'the answer says nothing of the label', { status: 200 });
    return result;
  }

  /**
   * Labels in bulk: what became of each, in order. More than one request can take go out one after another; when a later one fails, the
   * error says in `accepted` what was taken before. @throws SlipwayApiError
   */
  labels(labels: readonly LabelInput[], options: LabelOptions = {}): Promise<LabelsAccepted> {
    return sendLabels(this.exchange, `/v1/deployments/${encodeURIComponent(this.name)}/labels`, labels, options);
  }

  /** Whether the deployment, or one version of it, can answer now. @throws SlipwayApiError when there is no such thing. */
  async ready(options: VersionOptions = {}): Promise<boolean> {
    return isReady(this.exchange, `${this.path(options)}/ready`, options);
  }

  /** What the deployment, or one version of it, takes and gives. @throws SlipwayApiError */
  async metadata(options: VersionOptions = {}): Promise<ModelMetadata> {
    return readModelMetadata(await this.exchange.json({ method: 'GET', path: this.path(options), ...callOptions(options) }));
  }

  /** Status, split, revisions, rollout, instances. Needs a key that may view. @throws SlipwayApiError */
  async details(options: CallOptions = {}): Promise<DeploymentView> {
    // The server's own shape, which the type was made from.
    return (await this.exchange.json({
      method: 'GET',
      path: `/v1/deployments/${encodeURIComponent(this.name)}`,
      ...callOptions(options),
    })) as DeploymentView;
  }

  private async infer(named: readonly NamedInput[], metadata: ModelMetadata | undefined, options: PredictOptions): Promise<Prediction> {
    const inputs = named.map((input) => {
      const known = metadata?.inputs.find(({ name }) => name === input.name);
      if (metadata !== undefined && known === undefined) throw unknownInput(input.name, metadata);
      return toWireTensor(input, known);
    });
    const { outputs, id, format = 'auto' } = options;
    const written = writeRequest({ inputs, outputs, id, format, binaryOutputs: options.answerFormat !== 'json' });
    const reply = await this.exchange.send({
      method: 'POST',
      path: `${this.path(options)}/infer`,
      headers: {
        'content-type': written.contentType,
        ...(written.inferenceHeaderContentLength === undefined
          ? {}
          : { [names.inferenceHeaderContentLength]: String(written.inferenceHeaderContentLength) }),
        ...(options.routingKey === undefined ? {} : { [names.routingKey]: headerText('routingKey', options.routingKey) }),
        ...(options.priority === undefined ? {} : { [names.priority]: priorityText(options.priority) }),
      },
      body: written.body,
      deadlineMs: options.deadlineMs,
      ...callOptions(options),
    });
    const jsonBytes = reply.headers.get(names.inferenceHeaderContentLength);
    return new Prediction(readAnswer(reply.body, jsonBytes === null ? undefined : Number(jsonBytes)), {
      predictionId: reply.headers.get(names.predictionId) ?? undefined,
      revision: numberOf(reply.headers.get(names.revision)),
      requestId: reply.headers.get(names.requestId) ?? undefined,
    });
  }

  private async knownMetadata(options: PredictOptions): Promise<ModelMetadata> {
    options.signal?.throwIfAborted();
    const { version, timeoutMs = undefined } = options;
    // Shared by callers, so it does not end with the signal of the first one.
    const asked = { ...(version === undefined ? {} : { version }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const metadata = await this.cache.get(this.cacheKey(options), () => this.metadata(asked));
    options.signal?.throwIfAborted();
    return metadata;
  }

  private cacheKey({ version }: VersionOptions): string {
    return `${version ?? ''}/${this.name}`;
  }

  private path({ version }: VersionOptions): string {
    const path = `/v2/models/${encodeURIComponent(this.name)}`;
    if (version === undefined) return path;
    if (!Number.isSafeInteger(version) || version < 1) throw inputInvalid(`version: expected a whole number from 1 on, given ${version}`);
    return `${path}/versions/${version}`;
  }
}

/** Whether what a path speaks of can answer now; not being ready is an answer, not an error. */
export async function isReady(exchange: Exchange, path: string, options: CallOptions): Promise<boolean> {
  try {
    await exchange.send({ method: 'GET', path, isRetried: false, ...callOptions(options) });
    return true;
  } catch (error) {
    if (error instanceof SlipwayApiError && error.status === 503) return false;
    throw error;
  }
}

/** Of all options those that every call has. */
export function callOptions({ signal, timeoutMs, requestId }: CallOptions): CallOptions {
  return {
    ...(signal === undefined ? {} : { signal }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}

/** What is left of the times after `spentMs`. */
function shortened(options: PredictOptions, spentMs: number): PredictOptions {
  const left = (ms: number) => Math.max(1, ms - spentMs);
  return {
    ...options,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: left(options.timeoutMs) }),
    ...(options.deadlineMs === undefined ? {} : { deadlineMs: left(options.deadlineMs) }),
  };
}

function unknownInput(name: string, metadata: ModelMetadata): SlipwayApiError {
  const known = metadata.inputs.map((input) => `${JSON.stringify(input.name)} ${input.datatype} [${input.shape.join(',')}]`);
  return inputInvalid(`"${metadata.name}" has no input ${JSON.stringify(name)}; it takes ${known.join(', ')}`);
}

function priorityText(priority: number): string {
  if (Number.isInteger(priority) && priority >= 0 && priority <= 255) return String(priority);
  throw inputInvalid(`priority: expected a whole number from 0 to 255, given ${priority}`);
}

function numberOf(text: string | null): number | undefined {
  return text === null || !/^\d+$/.test(text) ? undefined : Number(text);
}
