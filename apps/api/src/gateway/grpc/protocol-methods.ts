import { SlipwayError } from '@slipway/contracts';
import type { RoutingRevision } from '@slipway/deployments';
import type { Refusal } from '../answers.js';
import { extensions, modelMetadata, revisionFor } from '../metadata.js';
import { modelConfig } from '../model-config.js';
import { type GatewayView, notServed, type ServerFacts } from '../protocol-info.js';
import { type RepositoryAsk, readLoadParameters, readUnloadParameters, repositoryDeadlineMs } from '../repository-control.js';
import { repositoryIndex } from '../repository-index.js';
import type { GatewayRouteName } from '../routes.js';
import { acceptUnchanged, logSettings, traceSettings } from '../server-settings.js';
import type { ServingDeployment } from '../serving-deployment.js';
import type { Fields } from './grpc-schema.js';

/** Who calls a method. */
export interface MethodCaller {
  readonly projectId: string;
  readonly actor: string;
  readonly requestId: string | undefined;
  /** Time left, in ms; Infinity when the caller did not say. */
  readonly leftMs: number;
  /** The caller left. */
  readonly signal: AbortSignal;
}

/** One method of one request and one answer. */
export interface ProtocolMethod {
  /** The route over HTTP that is the same; who may use that may use this. */
  readonly route: GatewayRouteName;
  /** @throws SlipwayError */
  handle(request: Fields, caller: MethodCaller): Fields | Promise<Fields>;
}

/** The methods of the protocol beside those that predict, by name. All but load and unload answer from memory. */
export function protocolMethods(gateway: GatewayView, server: ServerFacts): Readonly<Record<string, ProtocolMethod>> {
  const find = ({ projectId }: MethodCaller, name: string): ServingDeployment | undefined => gateway.routing.find(projectId, name);
  const mustFind = (caller: MethodCaller, name: string): ServingDeployment => find(caller, name) ?? refuse(notServed(routeOf(name, undefined)));
  const revisionOf = (caller: MethodCaller, name: string, version: number | undefined): [ServingDeployment, RoutingRevision] => {
    const deployment = find(caller, name);
    const revision = deployment === undefined ? 'none' : revisionFor(deployment, version);
    if (deployment === undefined || revision === 'none') refuse(notServed(routeOf(name, version)));
    if (revision === 'loading') throw nothingKnown(name);
    return [deployment, revision];
  };
  const change = async (request: Fields, caller: MethodCaller, work: (ask: RepositoryAsk, parameters: Fields) => Promise<void>): Promise<Fields> => {
    refuseNamedRepository(request);
    await work(askOf(caller, textOf(request, 'model_name')), parametersOf(request));
    return {};
  };
  const repository = () => server.repository ?? unsupported('this gateway cannot load or unload: it serves what it is given');
  const sharedMemory = {
    status: { route: 'sharedMemoryStatus', handle: () => ({}) },
    register: { route: 'sharedMemoryRegister', handle: () => unsupported('shared memory is not supported; send the data in the message') },
    // Nothing is registered, so what the caller asks for is so already.
    unregister: { route: 'sharedMemoryUnregister', handle: () => ({}) },
  } as const satisfies Record<string, ProtocolMethod>;

  return {
    ServerLive: { route: 'live', handle: () => ({ live: true }) },
    ServerReady: { route: 'ready', handle: () => ({ ready: gateway.isReady }) },
    ServerMetadata: { route: 'server', handle: () => ({ name: server.serverName, version: server.serverVersion, extensions }) },
    ModelReady: {
      route: 'modelReady',
      handle: (request, caller) => {
        const name = textOf(request, 'name');
        const version = versionOf(request, name);
        const deployment = find(caller, name);
        const lane = version === undefined ? deployment?.mainLane() : deployment?.laneOfVersion(version);
        if (deployment === undefined || lane === 'none') refuse(notServed(routeOf(name, version)));
        return { ready: gateway.isReady && typeof lane === 'object' && lane.readyCount > 0 };
      },
    },
    ModelMetadata: {
      route: 'modelMetadata',
      handle: (request, caller) => {
        const name = textOf(request, 'name');
        const version = versionOf(request, name);
        const [deployment, revision] = revisionOf(caller, name, version);
        return fieldsOf(modelMetadata(deployment, revision, version), name);
      },
    },
    ModelConfig: {
      route: 'modelConfig',
      handle: (request, caller) => {
        const name = textOf(request, 'name');
        const [, revision] = revisionOf(caller, name, versionOf(request, name));
        return { config: fieldsOf(modelConfig(name, revision), name) };
      },
    },
    ModelStatistics: {
      route: 'statistics',
      handle: (request, caller) => {
        const { routing, statistics } = gateway;
        const name = textOf(request, 'name');
        if (name === '') return { model_stats: routing.in(caller.projectId).flatMap((deployment) => statistics.of(deployment.current)) };
        const version = versionOf(request, name);
        const deployment = find(caller, name);
        const entries = deployment === undefined ? [] : statistics.of(deployment.current, version);
        if (deployment === undefined || (entries.length === 0 && version !== undefined)) refuse(notServed(routeOf(name, version)));
        return { model_stats: entries };
      },
    },
    RepositoryIndex: {
      route: 'repositoryIndex',
      handle: (request, caller) => {
        refuseNamedRepository(request);
        return { models: repositoryIndex(gateway.routing.in(caller.projectId), request['ready'] === true) };
      },
    },
    RepositoryModelLoad: {
      route: 'repositoryLoad',
      handle: (request, caller) =>
        change(request, caller, (ask, parameters) => {
          const { config } = readLoadParameters(parameters);
          return repository().load(ask, config);
        }),
    },
    RepositoryModelUnload: {
      route: 'repositoryUnload',
      handle: (request, caller) =>
        change(request, caller, (ask, parameters) => {
          readUnloadParameters(parameters);
          return repository().unload(ask);
        }),
    },
    SystemSharedMemoryStatus: sharedMemory.status,
    SystemSharedMemoryRegister: sharedMemory.register,
    SystemSharedMemoryUnregister: sharedMemory.unregister,
    CudaSharedMemoryStatus: sharedMemory.status,
    CudaSharedMemoryRegister: sharedMemory.register,
    CudaSharedMemoryUnregister: sharedMemory.unregister,
    TraceSetting: {
      route: 'traceSettings',
      handle: (request, caller) => {
        const model = textOf(request, 'model_name');
        if (model !== '') mustFind(caller, model);
        acceptUnchanged(traceSettings, mapValues(request['settings'], traceWish));
        return { settings: mapValues(traceSettings, (value) => ({ value: Array.isArray(value) ? value.map(String) : [String(value)] })) };
      },
    },
    LogSettings: {
      route: 'logSettings',
      handle: (request) => {
        acceptUnchanged(logSettings, mapValues(request['settings'], choiceOf));
        return { settings: mapValues(logSettings, logValue) };
      },
    },
  };
}

function refuse({ code, message }: Refusal): never {
  throw new SlipwayError(code, message);
}

function unsupported(message: string): never {
  throw new SlipwayError('FEATURE_UNSUPPORTED', message);
}

function nothingKnown(name: string): SlipwayError {
  return new SlipwayError('DEPLOYMENT_NOT_READY', `nothing is known of "${name}" yet`);
}

function fieldsOf(shown: object | undefined, name: string): Fields {
  if (shown === undefined) throw nothingKnown(name);
  return Object.fromEntries(Object.entries(shown));
}

function routeOf(model: string, version: number | undefined) {
  return { name: 'modelMetadata', model, version } as const;
}

function textOf(request: Fields, field: string): string {
  return String(request[field] ?? '');
}

const versionPattern = /^[0-9]{1,9}$/;

/** Empty: no version is meant. @throws SlipwayError VERSION_NOT_FOUND for what cannot be one */
function versionOf(request: Fields, name: string): number | undefined {
  const version = textOf(request, 'version');
  if (version === '') return undefined;
  if (versionPattern.test(version)) return Number(version);
  throw new SlipwayError('VERSION_NOT_FOUND', `version ${JSON.stringify(version.slice(0, 40))} of "${name}" is not served here`);
}

function refuseNamedRepository(request: Fields): void {
  if (textOf(request, 'repository_name') !== '') unsupported('there is one repository here and it has no name: leave repository_name empty');
}

function askOf({ projectId, actor, requestId, leftMs, signal }: MethodCaller, model: string): RepositoryAsk {
  return { projectId, actor, requestId, model, deadlineMs: Math.min(leftMs, repositoryDeadlineMs), signal };
}

function parametersOf(request: Fields): Fields {
  return mapValues(request['parameters'], choiceOf);
}

function mapValues(map: unknown, change: (value: unknown) => unknown): Fields {
  if (typeof map !== 'object' || map === null) return {};
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]));
}

/** What the one field of a choice holds that was sent; undefined when none was. */
function choiceOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  const chosen: unknown = Reflect.get(value, 'parameter_choice');
  return typeof chosen === 'string' ? Reflect.get(value, chosen) : undefined;
}

/** An empty list asks for the value that is there anyway, a list of one means that one. */
function traceWish(value: unknown): unknown {
  const list: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'value') : undefined;
  if (!Array.isArray(list) || list.length === 0) return null;
  return list.length === 1 ? list[0] : list;
}

function logValue(value: unknown): Fields {
  if (typeof value === 'boolean') return { bool_param: value };
  return typeof value === 'number' ? { uint32_param: value } : { string_param: String(value) };
}
