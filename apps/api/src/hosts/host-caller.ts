import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { invariant } from '@slipway/contracts';
import type { FastifyRequest } from 'fastify';

/** A joined host that calls, as its credential says. */
export interface HostCaller {
  readonly hostId: string;
  readonly name: string;
}

const callers = new WeakMap<FastifyRequest, HostCaller>();

export function setHostCaller(request: FastifyRequest, caller: HostCaller): void {
  callers.set(request, caller);
}

/** Gives a handler the host that calls. */
export const FromHost = createParamDecorator((_: unknown, context: ExecutionContext): HostCaller => {
  const caller = callers.get(context.switchToHttp().getRequest<FastifyRequest>());
  invariant(caller !== undefined, 'a route for hosts has the policy "host"');
  return caller;
});
