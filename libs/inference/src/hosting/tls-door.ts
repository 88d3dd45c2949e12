import { statSync } from 'node:fs';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { messageOf } from '@slipway/contracts';
import { gatewayUri, isFor, readTlsIdentity, type TlsIdentity } from './tls-identity.js';

export interface TlsDoorOptions {
  /** Where it listens. */
  readonly host: string;
  readonly port: number;
  /** Holds this host's `TlsIdentity`; it is replaced when it is renewed. */
  readonly identityFile: string;
  readonly onConnection: (socket: Socket) => void;
  /** Told of everybody who is not let in, and why. */
  readonly onRefused: (from: string, reason: string) => void;
}

const connectionsMax = 512;
const handshakeTimeoutMs = 5_000;

/** The way into an instance for gateways on other machines: TLS 1.3, both sides with a certificate of the one authority, and gateways alone. */
export class TlsDoor {
  private readonly server: Server;
  private identityAt: number;

  constructor(private readonly options: TlsDoorOptions) {
    this.identityAt = changedAt(options.identityFile);
    this.server = createServer({
      ...contextOf(readTlsIdentity(options.identityFile)),
      requestCert: true,
      // Judged in `admit` instead, which learns the reason; the server would only hang up.
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      handshakeTimeout: handshakeTimeoutMs,
    });
    this.server.maxConnections = connectionsMax;
    this.server.on('secureConnection', (socket) => this.admit(socket));
    this.server.on('tlsClientError', (error, socket) => options.onRefused(socket.remoteAddress ?? '', error.message));
  }

  /** Resolves with the port when connections are taken. */
  listen(): Promise<number> {
    const { host, port } = this.options;
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, host, () => {
        this.server.off('error', reject);
        const address = this.server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** Takes up a renewed identity; connections that are open stay. */
  refresh(): void {
    const { identityFile, onRefused } = this.options;
    const at = changedAt(identityFile);
    if (at === this.identityAt) return;
    try {
      this.server.setSecureContext(contextOf(readTlsIdentity(identityFile)));
      this.identityAt = at;
    } catch (error) {
      onRefused('', `the renewed certificate cannot be read: ${messageOf(error)}`);
    }
  }

  private admit(socket: TLSSocket): void {
    const { onConnection, onRefused } = this.options;
    const reason = whyNot(socket);
    if (reason === undefined) {
      onConnection(socket);
      return;
    }
    onRefused(socket.remoteAddress ?? '', reason);
    socket.destroy();
  }

  /** Takes no more connections; those that are open are their owner's. */
  close(): void {
    this.server.close();
  }
}

/** Why a client is not let in; undefined for a gateway of our authority. */
function whyNot(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return `its certificate is not accepted: ${String(socket.authorizationError)}`;
  return isFor(socket.getPeerCertificate(), gatewayUri) ? undefined : 'its certificate is not a gateway’s';
}

function contextOf({ certificate, privateKey, authority }: TlsIdentity) {
  return { cert: certificate, key: privateKey, ca: authority };
}

function changedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
