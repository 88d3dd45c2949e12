import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import { invariant, type Scope } from '@slipway/contracts';
import type { FastifyRequest } from 'fastify';

export const policyKey = 'slipway:policy';

/** What a route asks of its caller: one of some scopes, the credential of a host that has joined, or nothing at all. */
export type RoutePolicy = readonly Scope[] | 'host' | 'public';

/** Declares a route's policy: nothing, a host, or a scope; with several, any of them will do. A route without one stops the start. */
export const Policy = (...anyOf: ['public'] | ['host'] | [Scope, ...Scope[]]) =>
  SetMetadata(policyKey, anyOf[0] === 'public' || anyOf[0] === 'host' ? anyOf[0] : anyOf);

/** The caller of a request, as handlers see it. */
export interface Caller {
  readonly projectId: string;
  readonly actor: string;
  readonly scopes: readonly Scope[];
  readonly requestId: string;
}

const callers = new WeakMap<FastifyRequest, Caller>();

export function setCaller(request: FastifyRequest, caller: Caller): void {
  callers.set(request, caller);
}

/** The caller that the guard found; undefined on public routes. */
export function callerOf(request: FastifyRequest): Caller | undefined {
  return callers.get(request);
}

/** Gives a handler its caller. */
export const FromCaller = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const caller = callers.get(context.switchToHttp().getRequest<FastifyRequest>());
  invariant(caller !== undefined, 'a route with a caller has a policy other than public');
  return caller;
});

/** `admin` may do everything; `view` is part of every scope but `predict` and `label`. */
export function allows(scopes: readonly Scope[], needed: Scope): boolean {
  if (scopes.includes('admin') || scopes.includes(needed)) return true;
  return needed === 'view' && scopes.some((scope) => scope === 'develop' || scope === 'deploy' || scope === 'audit');
}
