import type { INestApplication } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { policyKey } from '../access/policy.js';

const methodKey = 'method';

/** Ends the start when a route has no policy: deny by default is checked for every route, not remembered. */
export function refuseRoutesWithoutPolicy(app: INestApplication): string[] {
  const discovery = app.get(DiscoveryService);
  const reflector = app.get(Reflector);
  const routes: string[] = [];
  const open: string[] = [];
  for (const { instance, metatype } of discovery.getControllers()) {
    if (typeof metatype !== 'function' || instance === null || typeof instance !== 'object') continue;
    for (const name of new MetadataScanner().getAllMethodNames(Object.getPrototypeOf(instance))) {
      const handler: unknown = Reflect.get(instance, name);
      if (typeof handler !== 'function' || Reflect.getMetadata(methodKey, handler) === undefined) continue;
      const route = `${metatype.name}.${name}`;
      routes.push(route);
      if (reflector.getAllAndOverride(policyKey, [handler, metatype]) === undefined) open.push(route);
    }
  }
  if (open.length > 0) throw new Error(`these routes have no policy: ${open.join(', ')}`);
  return routes;
}
