import type { Scope } from '@slipway/contracts';

/** What each route of the protocol takes and asks for. A route that is not here does not exist. */
export const gatewayRoutes = {
  server: { methods: ['GET', 'HEAD'], anyScopeOf: ['view', 'predict'] },
  live: { methods: ['GET', 'HEAD'], anyScopeOf: 'public' },
  ready: { methods: ['GET', 'HEAD'], anyScopeOf: 'public' },
  models: { methods: ['GET', 'HEAD'], anyScopeOf: ['view', 'predict'] },
  modelMetadata: { methods: ['GET', 'HEAD'], anyScopeOf: ['view', 'predict'] },
  modelReady: { methods: ['GET', 'HEAD'], anyScopeOf: ['view', 'predict'] },
  modelConfig: { methods: ['GET', 'HEAD'], anyScopeOf: ['view', 'predict'] },
  statistics: { methods: ['GET', 'HEAD'], anyScopeOf: ['view', 'predict'] },
  infer: { methods: ['POST'], anyScopeOf: ['predict'] },
  repositoryIndex: { methods: ['POST'], anyScopeOf: ['view', 'predict'] },
  repositoryLoad: { methods: ['POST'], anyScopeOf: ['deploy'] },
  repositoryUnload: { methods: ['POST'], anyScopeOf: ['deploy'] },
  /** A repository by its name: there is one here, and it has none. */
  namedRepository: { methods: ['POST'], anyScopeOf: ['view', 'predict'] },
  traceSettings: { methods: ['GET', 'HEAD', 'POST'], anyScopeOf: ['view', 'predict'] },
  logSettings: { methods: ['GET', 'HEAD', 'POST'], anyScopeOf: ['view', 'predict'] },
  sharedMemoryStatus: { methods: ['GET', 'HEAD'], anyScopeOf: ['view', 'predict'] },
  sharedMemoryRegister: { methods: ['POST'], anyScopeOf: ['predict'] },
  sharedMemoryUnregister: { methods: ['POST'], anyScopeOf: ['predict'] },
  /** Text generation over server-sent events. */
  generate: { methods: ['POST'], anyScopeOf: ['predict'] },
} as const satisfies Record<string, { readonly methods: readonly string[]; readonly anyScopeOf: 'public' | readonly Scope[] }>;

export type GatewayRouteName = keyof typeof gatewayRoutes;

export interface GatewayRoute {
  readonly name: GatewayRouteName;
  /** The deployment's name; empty on routes without one. */
  readonly model: string;
  /** Absent: the deployment's traffic split decides. */
  readonly version: number | undefined;
}

export type ParsedRoute = GatewayRoute | 'not_found' | 'malformed';

/** Whether a URL belongs to the protocol at all. */
export function isGatewayUrl(url: string): boolean {
  if (!url.startsWith('/v2')) return false;
  const next = url.charCodeAt(3);
  return url.length === 3 || next === slash || next === questionMark;
}

const slash = 0x2f;
const questionMark = 0x3f;
const versionPattern = /^[0-9]{1,9}$/;

/** Reads a URL of the protocol (path and query). Names are percent-decoded; `malformed` when that is not possible. */
export function parseRoute(url: string): ParsedRoute {
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  const parts = path.split('/');
  if (parts[parts.length - 1] === '') parts.pop();
  if (parts.length === 2) return plain('server');
  if (parts[2] === 'models') return parseModels(parts);
  if (parts[2] === 'health' && parts.length === 4) return parts[3] === 'live' ? plain('live') : parts[3] === 'ready' ? plain('ready') : 'not_found';
  if (parts[2] === 'repository') return parseRepository(parts);
  if (parts[2] === 'systemsharedmemory' || parts[2] === 'cudasharedmemory') return parseSharedMemory(parts);
  if (parts[2] === 'logging' && parts.length === 3) return plain('logSettings');
  if (parts[2] === 'trace' && parts[3] === 'setting' && parts.length === 4) return plain('traceSettings');
  return 'not_found';
}

/** /v2/models[/{m}[/versions/{v}][/{what}]] */
function parseModels(parts: readonly string[]): ParsedRoute {
  if (parts.length === 3) return plain('models');
  if (parts.length === 4 && parts[3] === 'stats') return plain('statistics');
  const model = decode(parts[3] ?? '');
  if (model === undefined) return 'malformed';
  if (parts.length === 6 && parts[4] === 'trace' && parts[5] === 'setting') return { name: 'traceSettings', model, version: undefined };
  const versioned = parts[4] === 'versions';
  const last = versioned ? parts[6] : parts[4];
  if (parts.length > (versioned ? 7 : 5)) return 'not_found';
  const name = last === undefined ? 'modelMetadata' : modelRouteOf(last);
  if (name === undefined) return 'not_found';
  if (!versioned) return { name, model, version: undefined };
  const version = parts[5] ?? '';
  return versionPattern.test(version) ? { name, model, version: Number(version) } : 'not_found';
}

function modelRouteOf(word: string): GatewayRouteName | undefined {
  switch (word) {
    case 'infer':
      return 'infer';
    case 'ready':
      return 'modelReady';
    case 'config':
      return 'modelConfig';
    case 'stats':
      return 'statistics';
    case 'generate':
    case 'generate_stream':
      return 'generate';
    default:
      return undefined;
  }
}

/** /v2/repository/index, /v2/repository/models/{m}/{load|unload}; both also below the name of a repository */
function parseRepository(parts: readonly string[]): ParsedRoute {
  if (parts.length === 4 && parts[3] === 'index') return plain('repositoryIndex');
  if (parts.length === 5 && parts[4] === 'index') return plain('namedRepository');
  const change = changeOf(parts[parts.length - 1]);
  if (change === undefined) return 'not_found';
  if (parts.length === 7 && parts[4] === 'models') return plain('namedRepository');
  if (parts.length !== 6 || parts[3] !== 'models') return 'not_found';
  const model = decode(parts[4] ?? '');
  return model === undefined ? 'malformed' : { name: change, model, version: undefined };
}

function changeOf(word: string | undefined): 'repositoryLoad' | 'repositoryUnload' | undefined {
  if (word === 'load') return 'repositoryLoad';
  return word === 'unload' ? 'repositoryUnload' : undefined;
}

/** /v2/{system|cuda}sharedmemory[/region/{r}]/{status|register|unregister} */
function parseSharedMemory(parts: readonly string[]): ParsedRoute {
  const named = parts[3] === 'region';
  if (parts.length !== (named ? 6 : 4)) return 'not_found';
  switch (parts[named ? 5 : 3]) {
    case 'status':
      return plain('sharedMemoryStatus');
    case 'register':
      return named ? plain('sharedMemoryRegister') : 'not_found';
    case 'unregister':
      return plain('sharedMemoryUnregister');
    default:
      return 'not_found';
  }
}

function plain(name: GatewayRouteName): GatewayRoute {
  return { name, model: '', version: undefined };
}

function decode(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
