import { createConnection, Socket } from 'node:net';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { type InstanceAddress, parseInstanceAddress } from './instance-address.js';
import { hostUri, isFor, type TlsIdentity } from './tls-identity.js';

/** What this process shows to instances on other hosts, and where it tells that one was not reached. */
export interface InstanceDialling {
  /** Undefined while there is none: such an instance is not reached until there is. */
  readonly identity: () => TlsIdentity | undefined;
  readonly onRefused: (address: string, reason: string) => void;
}

/** The system would try for minutes, at ever longer intervals. */
const openWithinMs = 4_000;

let dialling: InstanceDialling = { identity: () => undefined, onRefused: () => undefined };

/** Sets how this process reaches instances on other hosts. A process is one party, so this holds for all of its connections. */
export function useInstanceDialling(given: InstanceDialling): void {
  dialling = given;
}

export interface OpeningSocket {
  readonly socket: Socket;
  /** Its event that says that the other side is there and, with TLS, who it has to be. */
  readonly opened: 'connect' | 'secureConnect';
  /** Whether the other side may be lost without the system noticing: a machine that is switched off closes nothing. */
  readonly isFar: boolean;
}

type OnRead = { readonly buffer: Uint8Array; readonly callback: (bytes: number, buffer: Uint8Array) => boolean };

/** Begins a connection to an instance; what goes wrong shows as the socket's `error` and `close`. */
export function openInstanceSocket(address: string, onread: OnRead): OpeningSocket {
  const to = parseInstanceAddress(address);
  if (to.kind === 'unix') return { socket: createConnection({ path: to.path, onread }), opened: 'connect', isFar: false };
  const socket = openTls(to, onread);
  socket.on('error', (error) => dialling.onRefused(address, error.message));
  const timer = setTimeout(() => socket.destroy(new Error(`it was not reached within ${openWithinMs} ms`)), openWithinMs);
  for (const event of ['secureConnect', 'close']) socket.once(event, () => clearTimeout(timer));
  return { socket, opened: 'secureConnect', isFar: true };
}

function openTls({ hostId, host, port }: Extract<InstanceAddress, { kind: 'tls' }>, onread: OnRead): Socket {
  const identity = dialling.identity();
  // Without one the other side would refuse us; the address stays, and the next attempt may find one.
  if (identity === undefined) return new Socket().destroy(new Error('this process has no certificate yet'));
  const options = {
    host,
    port,
    cert: identity.certificate,
    key: identity.privateKey,
    ca: identity.authority,
    minVersion: 'TLSv1.3' as const,
    // Not by the name that it was reached under, but by who it is.
    checkServerIdentity: (_: string, certificate: PeerCertificate) =>
      isFor(certificate, hostUri(hostId))
        ? undefined
        : new Error(`the certificate is ${certificate.subjectaltname ?? 'nobody'}'s, not ${hostUri(hostId)}'s`),
    // As documented for tls.connect, though its types do not have it.
    onread,
  };
  return connectTls(options);
}
