import type { BootstrapKey } from './bootstrap-key.js';

export interface Announcement {
  /** One origin for console and API. */
  readonly url: string;
  readonly grpc: { readonly address: string; readonly isOverTls: boolean };
  readonly signInToken: string;
  readonly bootstrap: BootstrapKey;
  readonly keyFile: string;
  /** Predictions need a key. */
  readonly needsKey: boolean;
  /** A deployment to try and a file with a request for it. */
  readonly example?: { readonly deployment: string; readonly requestFile: string } | undefined;
  readonly secondsToReady: number;
}

/** What a person needs after a start: where to look, how to sign in, a key, and a command that works when pasted. */
export function announce(facts: Announcement): string {
  const { url, grpc, bootstrap, keyFile } = facts;
  return [
    '',
    `Slipway is ready (${facts.secondsToReady.toFixed(1)} s).`,
    '',
    `  Console   ${url}/sign-in?token=${facts.signInToken}`,
    '            (signs in once, within 15 minutes; later sign in with the API key)',
    `  API       ${url}   (documentation: ${url}/docs)`,
    `  gRPC      ${grpc.address}${grpc.isOverTls ? '   (over TLS)' : ''}`,
    ...keyLines(bootstrap, keyFile),
    '',
    ...commandLines(facts),
    'Ctrl-C stops everything.',
    '',
  ].join('\n');
}

function keyLines({ key, origin }: BootstrapKey, keyFile: string): string[] {
  if (origin === 'made') return [`  API key   ${key}`, `            (shown this once; kept in ${keyFile})`];
  if (origin === 'kept') return [`  API key   kept in ${keyFile} (shown at the first start)`];
  return ['  API key   the one in SLIPWAY_BOOTSTRAP_API_KEY'];
}

function commandLines({ url, bootstrap, keyFile, needsKey, example }: Announcement): string[] {
  const key = bootstrap.origin === 'given' ? '$SLIPWAY_BOOTSTRAP_API_KEY' : `$(cat ${quote(keyFile)})`;
  const authorization = `-H "Authorization: Bearer ${key}"`;
  if (example === undefined) return ['  Try it:', `curl -s ${authorization} ${url}/v1/models`, ''];
  const parts = [
    `curl -s ${url}/v2/models/${example.deployment}/infer`,
    ...(needsKey ? [authorization] : []),
    "-H 'Content-Type: application/json'",
    `-d @${quote(example.requestFile)}`,
  ];
  return ['  A prediction:', parts.join(' \\\n  '), ''];
}

/** A path as one word of a POSIX shell. */
export function quote(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
