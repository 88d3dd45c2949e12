/** What the prediction looks at in an instance. */
export interface Server {
  /** Requests in it. */
  readonly outstanding: number;
  /** Time of the model that one request takes, its share of joined runs, in µs; 0 when unknown. */
  readonly requestMicros: number;
}

export interface PredictedWait {
  readonly ms: number;
  /** Longer than this nobody should wait, whatever deadline they have: a backlog that outlives its cause serves only the impatient. */
  readonly patienceMs: number;
}

const patienceMs = 3_000;
/** For slow models: so many times the time of one request. */
const patienceRequests = 32;

/**
 * How long a request that is queued now will wait until it is sent, from the requests before it and the time that requests take lately.
 * @param ahead requests waiting that will be sent before it.
 */
export function predictWait(ahead: number, servers: readonly Server[]): PredictedWait {
  let perMs = 0;
  let inside = 0;
  let slowest = 0;
  for (const { outstanding, requestMicros } of servers) {
    if (requestMicros > 0) perMs += 1e3 / requestMicros;
    inside += outstanding;
    slowest = Math.max(slowest, requestMicros / 1e3);
  }
  const patience = Math.max(patienceMs, patienceRequests * slowest);
  return { ms: perMs === 0 ? 0 : (ahead + inside) / perMs, patienceMs: patience };
}
