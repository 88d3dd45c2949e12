import type { IncomingHttpHeaders } from 'node:http';
import { SlipwayError } from '@slipway/contracts';

const reading = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses a change that another site's page asks for with the browser's cookie. Browsers say where a request comes from
 * (`Sec-Fetch-Site`); one that does not must send an `Origin` with our host.
 * @throws SlipwayError CROSS_SITE_REQUEST
 */
export function refuseCrossSite(method: string, headers: IncomingHttpHeaders): void {
  if (reading.has(method)) return;
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin' || site === 'none') return;
  if (site === undefined && headers.origin !== undefined && hostOf(headers.origin) === headers.host) return;
  throw new SlipwayError('CROSS_SITE_REQUEST', 'a change made with a session must come from the console itself');
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}
