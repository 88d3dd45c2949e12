import { describe, expect, it } from 'vitest';
import { isGatewayUrl, parseRoute } from './routes.js';

const model = (name: string, version?: number) => ({ name, model: 'fraud', version });

describe('parseRoute', () => {
  it.each([
    { url: '/v2', route: { name: 'server', model: '', version: undefined } },
    { url: '/v2/', route: { name: 'server', model: '', version: undefined } },
    { url: '/v2?x=1', route: { name: 'server', model: '', version: undefined } },
    { url: '/v2/health/live', route: { name: 'live', model: '', version: undefined } },
    { url: '/v2/health/ready', route: { name: 'ready', model: '', version: undefined } },
    { url: '/v2/health', route: 'not_found' },
    { url: '/v2/health/other', route: 'not_found' },
    { url: '/v2/models', route: { name: 'models', model: '', version: undefined } },
    { url: '/v2/models/stats', route: { name: 'statistics', model: '', version: undefined } },
    { url: '/v2/models/fraud', route: model('modelMetadata') },
    { url: '/v2/models/fraud/', route: model('modelMetadata') },
    { url: '/v2/models/fraud/infer', route: model('infer') },
    { url: '/v2/models/fraud/infer?trace=1', route: model('infer') },
    { url: '/v2/models/fraud/ready', route: model('modelReady') },
    { url: '/v2/models/fraud/config', route: model('modelConfig') },
    { url: '/v2/models/fraud/stats', route: model('statistics') },
    { url: '/v2/models/fraud/versions/3', route: model('modelMetadata', 3) },
    { url: '/v2/models/fraud/versions/3/infer', route: model('infer', 3) },
    { url: '/v2/models/fraud/versions/3/ready', route: model('modelReady', 3) },
    { url: '/v2/models/fraud/versions', route: 'not_found' },
    { url: '/v2/models/fraud/versions/-1/infer', route: 'not_found' },
    { url: '/v2/models/fraud/versions/1.0/infer', route: 'not_found' },
    { url: '/v2/models/fraud/versions/3/infer/more', route: 'not_found' },
    { url: '/v2/models/fraud/infer/more', route: 'not_found' },
    { url: '/v2/models/fraud/other', route: 'not_found' },
    { url: '/v2/models/%66raud/infer', route: model('infer') },
    { url: '/v2/models/%E0%A4%A/infer', route: 'malformed' },
    { url: '/v2/models/a%2Fb/infer', route: { name: 'infer', model: 'a/b', version: undefined } },
    { url: '/v2/repository/index', route: { name: 'repositoryIndex', model: '', version: undefined } },
    { url: '/v2/repository/models/fraud/load', route: model('repositoryLoad') },
    { url: '/v2/repository/models/fraud/unload', route: model('repositoryUnload') },
    { url: '/v2/repository/models/a%20b/load', route: { name: 'repositoryLoad', model: 'a b', version: undefined } },
    { url: '/v2/repository/models/%E0%A4%A/load', route: 'malformed' },
    { url: '/v2/repository/models/fraud/reload', route: 'not_found' },
    { url: '/v2/repository/named/models/fraud/load', route: { name: 'namedRepository', model: '', version: undefined } },
    { url: '/v2/repository/named/models/fraud/reload', route: 'not_found' },
    { url: '/v2/repository/named/index', route: { name: 'namedRepository', model: '', version: undefined } },
    { url: '/v2/models/fraud/generate', route: model('generate') },
    { url: '/v2/models/fraud/versions/3/generate_stream', route: model('generate', 3) },
    { url: '/v2/models/fraud/versions/3/config', route: model('modelConfig', 3) },
    { url: '/v2/models/fraud/versions/3/stats', route: model('statistics', 3) },
    { url: '/v2/models/fraud/trace/setting', route: model('traceSettings') },
    { url: '/v2/trace/setting', route: { name: 'traceSettings', model: '', version: undefined } },
    { url: '/v2/trace', route: 'not_found' },
    { url: '/v2/logging', route: { name: 'logSettings', model: '', version: undefined } },
    { url: '/v2/logging/more', route: 'not_found' },
    { url: '/v2/systemsharedmemory/status', route: { name: 'sharedMemoryStatus', model: '', version: undefined } },
    { url: '/v2/cudasharedmemory/region/r/status', route: { name: 'sharedMemoryStatus', model: '', version: undefined } },
    { url: '/v2/systemsharedmemory/region/r/register', route: { name: 'sharedMemoryRegister', model: '', version: undefined } },
    { url: '/v2/systemsharedmemory/register', route: 'not_found' },
    { url: '/v2/cudasharedmemory/unregister', route: { name: 'sharedMemoryUnregister', model: '', version: undefined } },
    { url: '/v2/cudasharedmemory/region/r/unregister', route: { name: 'sharedMemoryUnregister', model: '', version: undefined } },
    { url: '/v2/cudasharedmemory/region/r', route: 'not_found' },
    { url: '/v2/repository', route: 'not_found' },
    { url: '/v2/other', route: 'not_found' },
  ])('reads $url', ({ url, route }) => {
    expect(parseRoute(url)).toEqual(route);
  });
});

describe('isGatewayUrl', () => {
  it.each(['/v2', '/v2/', '/v2?x', '/v2/models'])('takes %s', (url) => expect(isGatewayUrl(url)).toBe(true));
  it.each(['/', '/v1/models', '/v22', '/v2x/y', ''])('leaves %s', (url) => expect(isGatewayUrl(url)).toBe(false));
});
