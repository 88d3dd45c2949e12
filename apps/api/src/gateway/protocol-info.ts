import type { IncomingMessage, ServerResponse } from 'node:http';
import { assertNever, SlipwayError } from '@slipway/contracts';
import type { RoutingRevision } from '@slipway/deployments';
import { answerError, answerJson, type Refusal } from './answers.js';
import type { LiveRouting } from './live-routing.js';
import { extensions, modelMetadata, revisionFor } from './metadata.js';
import { modelConfig } from './model-config.js';
import type { ModelStatistics } from './model-statistics.js';
import { isRefused, readSmallObject } from './read-small-body.js';
import type { RepositoryControl } from './repository-control.js';
import { repositoryIndex } from './repository-index.js';
import { RepositoryRoutes, type RouteCaller } from './repository-routes.js';
import type { GatewayRoute } from './routes.js';
import { acceptUnchanged, logSettings, traceSettings } from './server-settings.js';
import type { ServingDeployment } from './serving-deployment.js';

const smallBodyBytes = 64 * 1024;

/** What these routes need of the gateway. */
export interface GatewayView {
  readonly isReady: boolean;
  readonly routing: Pick<LiveRouting, 'find' | 'in'>;
  readonly statistics: Pick<ModelStatistics, 'of'>;
}

export interface ServerFacts {
  readonly serverName: string;
  readonly serverVersion: string;
  /** Absent where nothing can be loaded or unloaded, as in a gateway without a database. */
  readonly repository?: RepositoryControl | undefined;
}

/** The routes of the protocol beside infer. All answers but those of load and unload come from memory. */
export class ProtocolInfo {
  private readonly repository: RepositoryRoutes | undefined;

  constructor(
    private readonly gateway: GatewayView,
    private readonly server: ServerFacts,
  ) {
    this.repository = server.repository === undefined ? undefined : new RepositoryRoutes(server.repository);
  }

  answer(request: IncomingMessage, response: ServerResponse, route: GatewayRoute, caller: RouteCaller): void {
    const { projectId } = caller;
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
        this.answerOfRevision(request, response, route, projectId, (deployment, revision) => modelMetadata(deployment, revision, route.version));
        return;
      case 'modelConfig':
        this.answerOfRevision(request, response, route, projectId, (deployment, revision) => modelConfig(deployment.current.name, revision));
        return;
      case 'modelReady':
        this.answerModelReady(request, response, route, projectId);
        return;
      case 'statistics':
        this.answerStatistics(request, response, route, projectId);
        return;
      case 'repositoryIndex':
        this.answerIndex(request, response, projectId);
        return;
      case 'repositoryLoad':
        if (this.repository === undefined) answerError(request, response, noRepository);
        else this.repository.load(request, response, route.model, caller);
        return;
      case 'repositoryUnload':
        if (this.repository === undefined) answerError(request, response, noRepository);
        else this.repository.unload(request, response, route.model, caller);
        return;
      case 'traceSettings':
        if (this.isKnown(request, response, route, projectId)) answerSettings(request, response, traceSettings);
        return;
      case 'logSettings':
        answerSettings(request, response, logSettings);
        return;
      case 'sharedMemoryStatus':
        answerJson(response, []);
        return;
      case 'sharedMemoryUnregister':
        // Nothing is registered, so what the caller asks for is so already.
        answerJson(response, {});
        return;
      case 'namedRepository':
      case 'sharedMemoryRegister':
      case 'generate':
        answerError(request, response, unsupported[route.name]);
        return;
      case 'infer':
        throw new SlipwayError('INTERNAL', 'infer is not a route of the information about models');
      default:
        assertNever(route.name);
    }
  }

  private answerReady(response: ServerResponse): void {
    if (this.gateway.isReady) answerJson(response, { ready: true });
    else answerJson(response, { ready: false, error: 'the gateway has no routing yet or is leaving' }, 503);
  }

  /** Answers with what `show` makes of the revision that the route means. */
  private answerOfRevision(
    request: IncomingMessage,
    response: ServerResponse,
    route: GatewayRoute,
    projectId: string,
    show: (deployment: ServingDeployment, revision: RoutingRevision) => object | undefined,
  ): void {
    const deployment = this.gateway.routing.find(projectId, route.model);
    const revision = deployment === undefined ? 'none' : revisionFor(deployment, route.version);
    if (deployment === undefined || revision === 'none') {
      answerError(request, response, notServed(route));
      return;
    }
    const shown = revision === 'loading' ? undefined : show(deployment, revision);
    if (shown !== undefined) answerJson(response, shown);
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

  private answerStatistics(request: IncomingMessage, response: ServerResponse, route: GatewayRoute, projectId: string): void {
    const { routing, statistics } = this.gateway;
    if (route.model === '') {
      answerJson(response, { model_stats: routing.in(projectId).flatMap((deployment) => statistics.of(deployment.current)) });
      return;
    }
    const deployment = routing.find(projectId, route.model);
    const entries = deployment === undefined ? [] : statistics.of(deployment.current, route.version);
    if (deployment === undefined || (entries.length === 0 && route.version !== undefined)) answerError(request, response, notServed(route));
    else answerJson(response, { model_stats: entries });
  }

  private answerIndex(request: IncomingMessage, response: ServerResponse, projectId: string): void {
    readSmallObject(request, smallBodyBytes, (body) => {
      if (isRefused(body)) {
        answerError(request, response, body);
        return;
      }
      const ready = body['ready'] ?? false;
      if (typeof ready === 'boolean') answerJson(response, repositoryIndex(this.gateway.routing.in(projectId), ready));
      else answerError(request, response, { code: 'REQUEST_INVALID', message: `the field "ready" must be true or false, given ${typeof ready}` });
    });
  }

  private isKnown(request: IncomingMessage, response: ServerResponse, route: GatewayRoute, projectId: string): boolean {
    if (route.model === '' || this.gateway.routing.find(projectId, route.model) !== undefined) return true;
    answerError(request, response, notServed(route));
    return false;
  }
}

/** Settings are read with GET; a POST may only say what is so anyway. */
function answerSettings(request: IncomingMessage, response: ServerResponse, settings: Readonly<Record<string, unknown>>): void {
  if (request.method !== 'POST') {
    answerJson(response, settings);
    return;
  }
  readSmallObject(request, smallBodyBytes, (body) => {
    const refusal = isRefused(body) ? body : refusalOfChange(settings, body);
    if (refusal === undefined) answerJson(response, settings);
    else answerError(request, response, refusal);
  });
}

function refusalOfChange(settings: Readonly<Record<string, unknown>>, wish: Readonly<Record<string, unknown>>): Refusal | undefined {
  try {
    acceptUnchanged(settings, wish);
    return undefined;
  } catch (error) {
    if (error instanceof SlipwayError) return { code: error.code, message: error.message };
    throw error;
  }
}

const noRepository: Refusal = { code: 'FEATURE_UNSUPPORTED', message: 'this gateway cannot load or unload: it serves what it is given' };
const unsupported: Readonly<Record<'namedRepository' | 'sharedMemoryRegister' | 'generate', Refusal>> = {
  namedRepository: { code: 'FEATURE_UNSUPPORTED', message: 'there is one repository here and it has no name: leave it out of the path' },
  sharedMemoryRegister: { code: 'FEATURE_UNSUPPORTED', message: 'shared memory is not supported; send the data in the body' },
  generate: { code: 'FEATURE_UNSUPPORTED', message: 'generating text is not supported; use infer' },
};

/** The refusal of a name or version that is not here. */
export function notServed(route: GatewayRoute): Refusal {
  if (route.version === undefined) return { code: 'DEPLOYMENT_NOT_FOUND', message: `there is no deployment named "${route.model}"` };
  return { code: 'VERSION_NOT_FOUND', message: `version ${route.version} of "${route.model}" is not served here` };
}
