import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf, SlipwayError } from '@slipway/contracts';
import { answerError, answerJson, type Refusal } from './answers.js';
import { isRefused, readSmallObject } from './read-small-body.js';
import { type RepositoryAsk, type RepositoryControl, readLoadParameters, readUnloadParameters, repositoryDeadlineMs } from './repository-control.js';
import { isRefusal, readFacts } from './request-facts.js';

const bodyBytes = 1024 * 1024;

/** Who asks. */
export interface RouteCaller {
  readonly projectId: string;
  readonly actor?: string | undefined;
}

/**
 * The protocol's load and unload over HTTP. They answer when it is done: 200 with a small body, which pleases both the clients that
 * want none and those that want JSON.
 */
export class RepositoryRoutes {
  constructor(private readonly control: RepositoryControl) {}

  load(request: IncomingMessage, response: ServerResponse, model: string, caller: RouteCaller): void {
    this.change(request, response, model, caller, { name: model, load: true }, (ask, parameters) => {
      const { config } = readLoadParameters(parameters);
      return this.control.load(ask, config);
    });
  }

  unload(request: IncomingMessage, response: ServerResponse, model: string, caller: RouteCaller): void {
    this.change(request, response, model, caller, { name: model, unload: true }, (ask, parameters) => {
      readUnloadParameters(parameters);
      return this.control.unload(ask);
    });
  }

  private change(
    request: IncomingMessage,
    response: ServerResponse,
    model: string,
    caller: RouteCaller,
    success: object,
    work: (ask: RepositoryAsk, parameters: Readonly<Record<string, unknown>>) => Promise<void>,
  ): void {
    const left = new AbortController();
    response.once('close', () => left.abort());
    readSmallObject(request, bodyBytes, (body) => {
      const ask = isRefused(body) ? body : askOf(request, model, caller, left.signal);
      if ('code' in ask) answerError(request, response, ask);
      else
        Promise.resolve()
          .then(() => work(ask, parametersOf(body)))
          .then(
            () => answerJson(response, success),
            (error: unknown) => {
              if (!left.signal.aborted) answerError(request, response, refusalOf(error));
            },
          );
    });
  }
}

function askOf(request: IncomingMessage, model: string, caller: RouteCaller, signal: AbortSignal): RepositoryAsk | Refusal {
  const facts = readFacts(request.headers, '', false);
  if (isRefusal(facts)) return facts;
  const deadlineMs = facts.statedDeadlineMs ?? repositoryDeadlineMs;
  return { projectId: caller.projectId, actor: caller.actor ?? 'system:gateway', requestId: facts.requestId, model, deadlineMs, signal };
}

/** @throws SlipwayError REQUEST_INVALID */
function parametersOf(body: object): Readonly<Record<string, unknown>> {
  const parameters: unknown = Reflect.get(body, 'parameters') ?? {};
  if (typeof parameters === 'object' && parameters !== null && !Array.isArray(parameters)) return Object.fromEntries(Object.entries(parameters));
  throw new SlipwayError('REQUEST_INVALID', 'the field "parameters" must be an object');
}

function refusalOf(error: unknown): Refusal {
  if (!(error instanceof SlipwayError)) return { code: 'INTERNAL', message: messageOf(error) };
  const { code, message, retryAfterSeconds } = error;
  return { code, message, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
}
