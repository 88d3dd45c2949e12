import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';

export interface DrainOptions {
  /** How long idle keep-alive connections stay open after the listener closed; one last request may still arrive on them. */
  readonly lingerMs: number;
  /** After this long whatever is left is cut. */
  readonly graceMs: number;
}

const defaults: DrainOptions = { lingerMs: 3_000, graceMs: 25_000 };

/**
 * Makes a server leave without losing a request. A plain `server.close()` loses requests that are on their way over a keep-alive
 * connection. Here: the listener closes, everything that arrives is still served, every answer says `Connection: close`, idle
 * connections linger, requests in flight end, and only then does `drain` resolve.
 */
export class Drain {
  private readonly sockets = new Set<Socket>();
  private readonly busy = new Map<Socket, number>();
  private inFlight = 0;
  private started = false;

  constructor(private readonly server: Server) {
    server.on('connection', (socket: Socket) => this.track(socket));
    server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => this.enter(request, response));
  }

  /** True from the moment the drain began: readiness checks answer 503 then. */
  get draining(): boolean {
    return this.started;
  }

  /** Requests that have begun and not ended. */
  get requestsInFlight(): number {
    return this.inFlight;
  }

  /** Resolves with the number of connections that had to be cut at the end of the grace time (0 when all went well). */
  async drain(options: Partial<DrainOptions> = {}): Promise<number> {
    const { lingerMs, graceMs } = { ...defaults, ...options };
    this.started = true;
    // The listener alone: an HTTP server's own close() would also cut idle connections, and with them a request on its way.
    const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(this.server, () => resolve()));
    const lingerUntil = Date.now() + lingerMs;
    const graceUntil = Date.now() + graceMs;
    let cut = 0;
    const timer = setInterval(() => {
      const now = Date.now();
      if (now < lingerUntil && this.sockets.size > 0) return;
      for (const socket of this.sockets) {
        const isBusy = (this.busy.get(socket) ?? 0) > 0;
        if (isBusy && now < graceUntil) continue;
        if (isBusy) cut += 1;
        socket.destroy();
      }
    }, 25);
    await closed;
    clearInterval(timer);
    return cut;
  }

  private track(socket: Socket): void {
    this.sockets.add(socket);
    socket.once('close', () => {
      this.sockets.delete(socket);
      this.busy.delete(socket);
    });
  }

  private enter(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    this.inFlight += 1;
    this.busy.set(socket, (this.busy.get(socket) ?? 0) + 1);
    if (this.started && !response.headersSent) response.setHeader('connection', 'close');
    response.once('close', () => {
      this.inFlight -= 1;
      this.busy.set(socket, (this.busy.get(socket) ?? 1) - 1);
    });
  }
}
