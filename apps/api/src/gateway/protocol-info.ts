import type { IncomingMessage, ServerResponse } from 'node:http';
import { assertNever } from '@slipway/contracts';
import { answerError, answerJson, type Refusal } from './answers.js';
import type { LiveRouting } from './live-routing.js';
import { extensions, modelMetadata, repositoryIndex } from './metadata.js';
import { readSmallBody } from './read-small-body.js';
import type { GatewayRoute } from './routes.js';

const indexBodyBytes = 64 * 1024;

/** What these routes need of the gateway. */
export interface GatewayView {
  readonly isReady: boolean;
  readonly routing: Pick<LiveRouting, 'find' | 'in'>;
}

/** The routes of the protocol beside infer: health, metadata, readiness, repository index. All answers come from memory. */
export class ProtocolInfo {
  constructor(
    private readonly gateway: GatewayView,
    private readonly server: { readonly serverName: string; readonly serverVersion: string },
  ) {}

  answer(request: IncomingMessage, response: ServerResponse, route: GatewayRoute, projectId: string): void {
    switch (route.name) {
      case 'server':
        answerJson(response, { name: this.server.serverName, version: this.server.serverVersion, extensions });
        return;
      case 'live':
        answerJson(response, { live: true });
        return;
      case 'ready':
        this.answerReady(response);
        return;
      case 'models':
        answerJson(response, { models: this.gateway.routing.in(projectId).map((deployment) => deployment.current.name) });
        return;
      case 'modelMetadata':
        this.answerMetadata(request, response, route, projectId);
        return;
      case 'modelReady':
        this.answerModelReady(request, response, route, projectId);
        return;
      case 'repositoryIndex':
        this.answerIndex(request, response, projectId);
        return;
      case 'infer':
      case 'modelConfig':
      case 'statistics':
      case 'repositoryLoad':
      case 'repositoryUnload':
        answerError(request, response, { code: 'FEATURE_UNSUPPORTED', message: 'this part of the protocol is not supported here' });
        return;
      default:
        assertNever(route.name);
    }
  }

  private answerReady(response: ServerResponse): void {
    if (this.gateway.isReady) answerJson(response, { ready: true });
    else answerJson(response, { ready: false, error: 'the gateway has no routing yet or is leaving' }, 503);
  }

  private answerMetadata(request: IncomingMessage, response: ServerResponse, route: GatewayRoute, projectId: string): void {
    const deployment = this.gateway.routing.find(projectId, route.model);
    const metadata = deployment === undefined ? undefined : modelMetadata(deployment, route.version);
    if (metadata !== undefined) answerJson(response, metadata);
    else if (deployment === undefined || route.version !== undefined) answerError(request, response, notServed(route));
    else answerError(request, response, { code: 'DEPLOYMENT_NOT_READY', message: `nothing is known of "${route.model}" yet` });
  }

  private answerModelReady(request: IncomingMessage, response: ServerResponse, route: GatewayRoute, projectId: string): void {
    const deployment = this.gateway.routing.find(projectId, route.model);
    const lane = route.version === undefined ? deployment?.mainLane() : deployment?.laneOfVersion(route.version);
    if (deployment === undefined || lane === 'none') {
      answerError(request, response, notServed(route));
      return;
    }
    const isReady = this.gateway.isReady && typeof lane === 'object' && lane.readyCount > 0;
    if (isReady) answerJson(response, { name: route.model, ready: true });
    else answerJson(response, { name: route.model, ready: false, error: `"${route.model}" is not ready` }, 503);
  }

  private answerIndex(request: IncomingMessage, response: ServerResponse, projectId: string): void {
    readSmallBody(request, indexBodyBytes, (body) => {
      if (body === 'late') {
        answerError(request, response, { code: 'BODY_TIMEOUT', message: 'the body was not whole in time' });
        return;
      }
      const wish = parseIndexWish(body);
      if (wish === undefined) answerError(request, response, { code: 'REQUEST_INVALID', message: 'expected no body or {"ready": true | false}' });
      else answerJson(response, repositoryIndex(this.gateway.routing.in(projectId), wish.readyOnly));
    });
  }
}

/** The refusal of a name or version that is not here. */
export function notServed(route: GatewayRoute): Refusal {
  if (route.version === undefined) return { code: 'DEPLOYMENT_NOT_FOUND', message: `there is no deployment named "${route.model}"` };
  return { code: 'VERSION_NOT_FOUND', message: `version ${route.version} of "${route.model}" is not served here` };
}

/** Whatever its content type says, the body is JSON or empty; a body that was too long is neither. */
function parseIndexWish(body: Buffer | undefined): { readonly readyOnly: boolean } | undefined {
  if (body === undefined) return undefined;
  if (body.length === 0) return { readyOnly: false };
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value !== 'object' || value === null) return undefined;
    const ready: unknown = Reflect.get(value, 'ready') ?? false;
    return typeof ready === 'boolean' ? { readyOnly: ready } : undefined;
  } catch {
    return undefined;
  }
}
