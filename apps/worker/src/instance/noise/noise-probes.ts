import type { NaturalReport, ProbeReport } from '@slipway/contracts';
import { SlipwayError } from '@slipway/contracts';
import { type Connection, frameTypes, type IncomingRequest, type InstanceSpec, type ProbeFrame, probeFrames, type Tensor } from '@slipway/inference';
import { answerSpread, type ProbedAnswer } from '@slipway/metrics/noise';
import type { Engine, RunResult } from '../engine/engine.js';
import type { ModelRunner } from '../model-runner.js';
import { canDisturb, disturbInputs, type InputSpreads } from './disturb-inputs.js';
import { copyOf, madeUpInputs, oneRowOf } from './probe-sample.js';
import { comparedOutputs, probedAnswer } from './probed-answer.js';

/** Probes that wait in an instance; the one above is refused. */
export const probesMax = 8;
/** Runs that one probe may ask for. */
const runsMax = 64;
/** A run that takes longer than this is taken for one that never ends; far above what callers are given, since nobody waits for it. */
const hungAfterMs = 20_000;

interface OpenProbe {
  readonly request: IncomingRequest;
  readonly frame: 'repeat' | 'jitter' | 'answer';
  readonly inputs: readonly Tensor[];
  readonly spreads: InputSpreads | undefined;
  readonly runs: number;
  readonly deadlineAt: number;
  readonly answers: ProbedAnswer[];
  computeMicros: number;
}

export interface NoiseProbesParts {
  readonly spec: InstanceSpec;
  readonly engine: Engine;
  readonly runner: ModelRunner;
  /** What was counted of inputs that came more than once. */
  readonly natural: () => NaturalReport;
}

/**
 * Measures the noise of the model for whoever asks: runs one input again and again and tells how far the answers lie apart. One run at a time, and
 * only when the serving loop has nothing else to do; what goes wrong here is told to the one who asked and to nobody else.
 */
export class NoiseProbes {
  private readonly open: OpenProbe[] = [];
  private readonly names: readonly string[];
  isRunning = false;

  constructor(private readonly parts: NoiseProbesParts) {
    const { signature, task } = parts.spec;
    this.names = comparedOutputs(signature, task ?? undefined);
  }

  /** Whether a request is a probe. */
  static isProbe({ header }: IncomingRequest): boolean {
    return (header.probe ?? 0) > 0;
  }

  /** Reads a probe; it is answered now or later, also when that is an error. */
  take(request: IncomingRequest): void {
    try {
      const frame = probeFrames[request.header.probe ?? 0] ?? 'none';
      if (frame === 'natural') answer(request, this.parts.natural(), 0);
      else this.enqueue(request, frame);
    } catch (error) {
      refuse(
        request,
        error instanceof SlipwayError ? error : new SlipwayError('INTERNAL', 'the instance made a mistake with this probe', { cause: error }),
      );
    }
  }

  /** Drops probes that nobody waits for. */
  cancel(connection: Connection, stream: number | undefined): void {
    for (let at = this.open.length - 1; at >= 0; at -= 1) {
      const request = this.open[at]?.request;
      if (request?.connection === connection && (stream === undefined || request.stream === stream)) this.open.splice(at, 1);
    }
  }

  /** Makes one run of the oldest probe. @returns false when there is none; else `done` is called when the run has ended. */
  startRun(done: () => void): boolean {
    this.dropLate();
    const [probe] = this.open;
    if (probe === undefined || this.isRunning) return false;
    this.isRunning = true;
    const { inputs, spreads } = probe;
    const given = spreads === undefined ? copyOf(inputs) : disturbInputs(inputs, spreads);
    this.parts.engine.run(given, this.names, performance.now() + hungAfterMs, (result) => {
      this.isRunning = false;
      this.onRun(probe, result);
      done();
    });
    return true;
  }

  private enqueue(request: IncomingRequest, frame: ProbeFrame): void {
    const { spec, runner } = this.parts;
    if (frame !== 'repeat' && frame !== 'jitter' && frame !== 'answer')
      throw new SlipwayError('INFER_INVALID', 'the instance does not know this probe');
    if (this.open.length >= probesMax) throw new SlipwayError('QUEUE_FULL', `the instance already has ${probesMax} probes`);
    const { plan, body } = frame === 'jitter' ? splitPlan(request.body) : { plan: undefined, body: request.body };
    const whole = body.length === 0 ? madeUpInputs(spec.signature) : runner.prepare(body, request.header).request.inputs;
    if (whole === undefined) {
      answer(request, { runs: 0, off: 'the inputs of the model are too large to be made up' }, 0);
      return;
    }
    // What two instances or versions are compared by must be the same row in both.
    const row = frame === 'answer' ? 0 : Math.floor(Math.random() * 2 ** 30);
    const inputs = copyOf(oneRowOf(whole, spec.signature, spec.task ?? undefined, row));
    if (frame === 'jitter' && (plan === undefined || !canDisturb(inputs, plan))) {
      answer(request, { runs: 0, off: 'no numeric input has a known spread' }, 0);
      return;
    }
    const runs = frame === 'answer' ? 1 : Math.min(runsMax, Math.max(2, request.header.probeRuns ?? 2));
    const deadlineAt = performance.now() + (request.header.deadlineMs ?? 0);
    this.open.push({ request, frame, inputs, spreads: plan, runs, deadlineAt, answers: [], computeMicros: 0 });
  }

  private onRun(probe: OpenProbe, result: RunResult): void {
    const at = this.open.indexOf(probe);
    // Given up meanwhile.
    if (at === -1) return;
    if ('error' in result) {
      this.open.splice(at, 1);
      refuse(probe.request, result.error);
      return;
    }
    probe.answers.push(probedAnswer(this.parts.spec.task ?? undefined, result.outputs));
    probe.computeMicros += result.computeMicros;
    if (probe.answers.length < probe.runs) return;
    this.open.splice(at, 1);
    answer(probe.request, reportOf(probe), probe.computeMicros);
  }

  private dropLate(): void {
    const now = performance.now();
    for (let first = this.open[0]; first !== undefined && first.deadlineAt <= now; first = this.open[0]) {
      this.open.shift();
      refuse(first.request, new SlipwayError('DEADLINE_EXCEEDED', 'the deadline passed before the probe was done'));
    }
  }
}

/** JSON has no word for what is not finite. */
function reportOf({ frame, answers, runs }: OpenProbe): ProbeReport {
  const [first] = answers;
  if (frame !== 'answer' || first === undefined) return { runs, spread: answerSpread(answers) ?? null };
  return { runs, answer: { values: Array.from(first.values, (value) => (Number.isFinite(value) ? value : null)), label: first.label ?? null } };
}

/** Bytes of the spreads (u32, little-endian), the spreads as JSON, the body as its caller sent it. */
function splitPlan(whole: Buffer): { readonly plan: InputSpreads | undefined; readonly body: Buffer } {
  const bytes = whole.length < 4 ? -1 : whole.readUInt32LE(0);
  if (bytes < 0 || 4 + bytes > whole.length) throw new SlipwayError('INFER_INVALID', 'the plan of the probe is cut off');
  return { plan: readSpreads(JSON.parse(whole.toString('utf8', 4, 4 + bytes))), body: whole.subarray(4 + bytes) };
}

function readSpreads(given: unknown): InputSpreads | undefined {
  if (typeof given !== 'object' || given === null) return undefined;
  const known = new Map<string, readonly (number | null)[]>();
  for (const [name, spreads] of Object.entries(given)) {
    if (Array.isArray(spreads))
      known.set(
        name,
        spreads.map((spread) => (typeof spread === 'number' && Number.isFinite(spread) ? spread : null)),
      );
  }
  return known;
}

function answer({ connection, stream }: IncomingRequest, report: ProbeReport | NaturalReport, computeMicros: number): void {
  const header = { contentType: 'application/json', probed: 1, rows: 1, batchRows: 1, runs: 0, computeMicros };
  connection.send(frameTypes.RESULT, stream, header, Buffer.from(JSON.stringify(report), 'utf8'));
}

function refuse({ connection, stream }: IncomingRequest, { code, status, message }: SlipwayError): void {
  connection.send(frameTypes.ERROR, stream, { errorCode: code, status }, Buffer.from(message, 'utf8'));
}
