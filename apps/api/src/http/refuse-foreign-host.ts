import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Settings } from '@slipway/platform';

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * While listening on loopback, a page elsewhere must not reach us by a name that it pointed at 127.0.0.1 (DNS rebinding): such a request
 * carries a foreign Host header and gets 421. On other addresses the names are the operator's matter.
 */
export function refuseForeignHost(settings: Settings, publicUrl: string): (request: IncomingMessage, response: ServerResponse) => boolean {
  const publicHost = new URL(publicUrl).host;
  const isForeign = foreignHosts(settings, publicHost);
  return (request, response) => {
    if (!isForeign(request.headers.host ?? '')) return false;
    response
      .writeHead(421, { 'content-type': 'application/json', connection: 'close' })
      .end('{"error":"this host name is not served here; set SLIPWAY_PUBLIC_URL to the name that people use"}');
    return true;
  };
}

/** As for `refuseForeignHost`, for a port of its own: it goes by the name alone. */
export function foreignHostNames(settings: Settings, publicUrl: string): (host: string) => boolean {
  const isForeign = foreignHosts(settings, new URL(publicUrl).hostname);
  return (host) => isForeign(host.replace(/:\d+$/, ''));
}

function foreignHosts(settings: Settings, publicHost: string): (host: string) => boolean {
  const onLoopback = settings.SLIPWAY_LISTEN === 'localhost' || settings.SLIPWAY_LISTEN === '::1' || settings.SLIPWAY_LISTEN.startsWith('127.');
  return (host) => onLoopback && host !== publicHost && !loopback.test(host);
}
