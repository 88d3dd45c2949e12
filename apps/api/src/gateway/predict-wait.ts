/** What the prediction looks at in an instance. */
export interface Server {
  /** Requests in it. */
  readonly outstanding: number;
  /** Time that one request takes of it, its share of joined runs, in µs; 0 when unknown. */
  readonly requestMicros: number;
  /** Time of a run, in µs; 0 when unknown. */
  readonly runMicros: number;
}

export interface PredictedWait {
  /** Until the request is sent. */
  readonly ms: number;
  /** Until its answer is there, with a margin: what is admitted should be answered in time, or the work on it is lost. */
  readonly untilAnswerMs: number;
  /** Longer than this nobody should wait, whatever deadline they have: a backlog that outlives its cause serves only the impatient. */
  readonly patienceMs: number;
}

const patienceMs = 3_000;
/** For slow models: so many times the time of one request. */
const patienceRequests = 32;
/** The prediction is a mean of the recent past; so much more is allowed for. */
const margin = 1.25;

/**
 * How long a request that is queued now will wait, from the requests before it and the time that requests take lately.
 * @param ahead requests waiting that will be sent before it.
 */
export function predictWait(ahead: number, servers: readonly Server[]): PredictedWait {
  let perMs = 0;
  let inside = 0;
  let slowestMs = 0;
  let runMs = 0;
  for (const { outstanding, requestMicros, runMicros } of servers) {
    if (requestMicros > 0) perMs += 1e3 / requestMicros;
    inside += outstanding;
    slowestMs = Math.max(slowestMs, requestMicros / 1e3);
    runMs = Math.max(runMs, runMicros / 1e3);
  }
  const ms = perMs === 0 ? 0 : (ahead + inside) / perMs;
  return { ms, untilAnswerMs: margin * (ms + runMs), patienceMs: Math.max(patienceMs, patienceRequests * slowestMs) };
}
