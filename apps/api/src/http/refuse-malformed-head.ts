import type { IncomingMessage, ServerResponse } from 'node:http';

/** Of these Node keeps the first and drops the rest unsaid; a proxy before us may have decided by another one. */
const onlyOnce = new Set(['host', 'authorization', 'content-type']);
const longestName = 'authorization'.length;
const slash = 0x2f;

/**
 * Refuses a request whose head can be read in two ways: a target that is not a path (`GET http://…`, `OPTIONS *`), which would pass by
 * the routing that looks at paths, or a header that decides who asks for what and is there twice.
 * @returns whether it was refused; it is answered then.
 */
export function refuseMalformedHead(request: IncomingMessage, response: ServerResponse): boolean {
  const fault = faultOf(request);
  if (fault === undefined) return false;
  response.writeHead(400, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify({ error: fault }));
  return true;
}

function faultOf(request: IncomingMessage): string | undefined {
  if (request.url?.charCodeAt(0) !== slash) return 'expected a path as the target of the request; given another form';
  const twice = repeatedHeader(request.rawHeaders);
  return twice === undefined ? undefined : `header ${twice}: expected once; given several times`;
}

/** @param raw names and values in turn. */
function repeatedHeader(raw: readonly string[]): string | undefined {
  let seen = '';
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] ?? '';
    if (name.length > longestName) continue;
    const lower = name.toLowerCase();
    if (!onlyOnce.has(lower)) continue;
    if (seen.includes(lower)) return lower;
    seen += `${lower} `;
  }
  return undefined;
}
