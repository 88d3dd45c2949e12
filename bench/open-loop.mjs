// Load that does not wait for answers: requests leave at times fixed beforehand, and each one's latency counts from its intended time, so
// that a server that stalls is charged for all requests that should have been under way meanwhile.
import { Agent, request } from 'node:http';

const answerWithinMs = 30_000;
/** Bound of one leg; a mistake in a rate must not fill the memory. */
const requestsMax = 200_000;

/** A target with connections of its own that are kept open. */
export class Sender {
  #agent = new Agent({ keepAlive: true, maxSockets: 2_048, scheduling: 'fifo' });

  /** @param target { port, path, headers, body } */
  constructor(target) {
    this.target = target;
  }

  /** Sends one request. @returns { intendedAt, sentAt, latencyMs, status, retryAfter, predictionId }; status is 0 when no answer came */
  send(intendedAt = performance.now()) {
    const { port, path, headers, body } = this.target;
    const sentAt = performance.now();
    return new Promise((resolve) => {
      const finish = (status, headers = {}) =>
        resolve({
          intendedAt,
          sentAt,
          latencyMs: performance.now() - intendedAt,
          status,
          retryAfter: headers['retry-after'],
          predictionId: headers['slipway-prediction-id'],
        });
      const options = {
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        agent: this.#agent,
        headers: { ...headers, 'content-length': body.length },
        timeout: answerWithinMs,
      };
      const sending = request(options, (answer) => {
        answer.on('error', () => finish(0));
        answer.on('end', () => finish(answer.statusCode, answer.headers));
        answer.resume();
      });
      sending.on('timeout', () => sending.destroy());
      sending.on('error', () => finish(0));
      sending.end(body);
    });
  }

  close() {
    this.#agent.destroy();
  }
}

/**
 * Sends at random times (Poisson), the same ones for the same seed, and waits for all answers.
 * @param streams [{ sender, ratePerSecond }]
 * @returns one list of what came of each request per stream, in the order of their intended times
 */
export async function openLoop(streams, seconds, seed) {
  const random = randomFrom(seed);
  const plan = streams.flatMap(({ ratePerSecond }, stream) => arrivals(ratePerSecond, seconds, random).map((at) => ({ at, stream })));
  if (plan.length > requestsMax) throw new Error(`${plan.length} requests in one leg are more than ${requestsMax}`);
  plan.sort((a, b) => a.at - b.at);
  const answers = streams.map(() => []);
  const startedAt = performance.now() + 20;
  let next = 0;
  await new Promise((resolve) => {
    const sendDue = () => {
      const now = performance.now() - startedAt;
      for (; next < plan.length && plan[next].at <= now; next += 1) {
        const { at, stream } = plan[next];
        answers[stream].push(streams[stream].sender.send(startedAt + at));
      }
      if (next === plan.length) resolve();
      else setTimeout(sendDue, Math.max(0, plan[next].at - now));
    };
    sendDue();
  });
  return Promise.all(answers.map((each) => Promise.all(each)));
}

/** As many at once as stated, each sent when one is answered. @returns what came of each, and the answers a second */
export async function closedLoop(sender, inFlight, seconds) {
  const entries = [];
  const startedAt = performance.now();
  const until = startedAt + seconds * 1000;
  const work = async () => {
    while (performance.now() < until) entries.push(await sender.send());
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  return { entries, ratePerSecond: entries.length / ((performance.now() - startedAt) / 1000) };
}

function arrivals(ratePerSecond, seconds, random) {
  const times = [];
  for (let at = gap(ratePerSecond, random); at < seconds * 1000; at += gap(ratePerSecond, random)) times.push(at);
  return times;
}

/** Exponential: the gaps of independent callers. */
function gap(ratePerSecond, random) {
  return (-Math.log(1 - random()) * 1000) / ratePerSecond;
}

/** Uniform in [0, 1): mulberry32. */
function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
