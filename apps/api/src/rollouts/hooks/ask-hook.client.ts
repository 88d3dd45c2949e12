import { SlipwayError } from '@slipway/contracts';
import type { HookNotice, ReceiverTarget } from '@slipway/metrics';
import { type Egress, type EgressReply, signWebhook } from '@slipway/platform';
import { z } from 'zod';

const reasonLength = 1_000;
/** NUL and halves of surrogate pairs, which the database does not keep. */
const unkeepable = /[\0\p{Surrogate}]/gu;

/** What a hook answers, as JSON with a status of 2xx. A word counts however odd its reason is: that is cut, mended, or left out. */
const Answer = z.object({
  decision: z.enum(['go', 'hold', 'abort']),
  reason: z
    .string()
    .transform((text) => text.slice(0, reasonLength).replace(unkeepable, '\uFFFD'))
    .optional()
    .catch(undefined),
});
export type HookAnswer = z.infer<typeof Answer>;

export interface Question {
  /** The same for every attempt, so that a receiver can tell a repetition. */
  readonly id: string;
  readonly notice: HookNotice;
  readonly timeoutMs: number;
}

const attemptsMax = 3;
const betweenAttemptsMs = 500;

/**
 * Asks one hook and waits for its word. A refused connection, 429 and 5xx are tried again, three times in all and within the time; what cannot be
 * understood is not.
 * @throws DELIVERY_FAILED, EGRESS_BLOCKED when there is no word.
 */
export async function askHook(egress: Egress, target: ReceiverTarget, question: Question): Promise<HookAnswer> {
  if (target.kind !== 'WEBHOOK') throw new SlipwayError('DELIVERY_FAILED', 'A hook needs a receiver of the kind WEBHOOK.');
  const deadline = AbortSignal.timeout(question.timeoutMs);
  for (let attempt = 1; ; attempt += 1) {
    const reply = await post(egress, target, question, deadline).catch((error: unknown) => {
      if (deadline.aborted) throw late(question);
      return giveUpOr(error, attempt);
    });
    if (reply !== undefined && !isWorthAnother(reply, attempt)) return readAnswer(reply);
    await pause(deadline);
    if (deadline.aborted) throw late(question);
  }
}

async function post(egress: Egress, { url, secret }: Extract<ReceiverTarget, { kind: 'WEBHOOK' }>, { id, notice }: Question, signal: AbortSignal) {
  const body = JSON.stringify(notice);
  const timestampSeconds = Math.floor(Date.now() / 1000);
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    'user-agent': 'slipway',
    'webhook-id': id,
    'webhook-timestamp': String(timestampSeconds),
    'webhook-signature': signWebhook(secret, { id, timestampSeconds, body }),
  };
  return egress.post(url, { headers, body, signal, wantsBody: true });
}

function giveUpOr(error: unknown, attempt: number): undefined {
  const isBlocked = error instanceof SlipwayError && error.code === 'EGRESS_BLOCKED';
  if (isBlocked || attempt >= attemptsMax) throw error;
  return undefined;
}

function isWorthAnother({ status }: EgressReply, attempt: number): boolean {
  return attempt < attemptsMax && (status === 429 || status >= 500);
}

function readAnswer({ status, body = '' }: EgressReply): HookAnswer {
  if (status < 200 || status > 299) throw new SlipwayError('DELIVERY_FAILED', `The hook answered ${status}, expected 2xx with a decision.`);
  const answer = Answer.safeParse(parseJson(body));
  if (answer.success) return answer.data;
  throw new SlipwayError(
    'DELIVERY_FAILED',
    `The hook's answer is no decision: expected {"decision": "go" | "hold" | "abort", "reason"?: text}, got ${JSON.stringify(body.slice(0, 80))}.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Ends early when the time is over. */
function pause(deadline: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, betweenAttemptsMs);
    deadline.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      deadline.removeEventListener('abort', done);
      resolve();
    }
  });
}

function late({ timeoutMs }: Question): SlipwayError {
  return new SlipwayError('DELIVERY_FAILED', `The hook gave no decision within ${timeoutMs / 1000} s.`);
}
