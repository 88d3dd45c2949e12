import { connect, createServer, type Server, type Socket } from 'node:net';

/** A way to the database that can be cut and restored, as a process with its own connections sees it. */
export class CuttableDatabase {
  private readonly sockets = new Set<Socket>();
  private isCut = false;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async open(target: string, host = '127.0.0.1'): Promise<CuttableDatabase> {
    const to = new URL(target);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, host, resolve));
    const address = server.address();
    const url = new URL(target);
    url.hostname = host;
    url.port = String(typeof address === 'object' && address !== null ? address.port : 0);
    const self = new CuttableDatabase(server, url.href);
    server.on('connection', (from) => self.pipe(from, connect(Number(to.port), to.hostname)));
    return self;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  restore(): void {
    this.isCut = false;
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private pipe(from: Socket, to: Socket): void {
    for (const socket of [from, to]) {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.sockets.delete(socket);
        from.destroy();
        to.destroy();
      });
    }
    if (this.isCut) from.destroy();
    else from.pipe(to).pipe(from);
  }
}
