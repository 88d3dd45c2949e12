import { SlipwayError } from '@slipway/contracts';
import type { Codec, Fields, GrpcSchema } from './grpc-schema.js';

type ServingStatus = 'SERVING' | 'NOT_SERVING';

/** Who wants to know of changes. */
interface Watcher {
  refresh(): void;
}

/** The health of what is served, by the name of a service; the empty name is the server as a whole. */
export class HealthServices {
  readonly request: Codec;
  readonly response: Codec;
  private readonly watchers = new Set<Watcher>();
  private readonly services: ReadonlySet<string>;
  private hasLeft = false;

  constructor(
    schema: GrpcSchema,
    services: readonly string[],
    private readonly isReady: () => boolean,
  ) {
    this.request = schema.codec('HealthCheckRequest');
    this.response = schema.codec('HealthCheckResponse');
    this.services = new Set(['', ...services]);
  }

  /** @throws SlipwayError ROUTE_NOT_FOUND */
  check(request: Fields): Fields {
    const service = String(request['service']);
    const status = this.statusOf(service);
    if (status === undefined) throw new SlipwayError('ROUTE_NOT_FOUND', `there is no service ${JSON.stringify(service.slice(0, 200))} here`);
    return { status };
  }

  statusOf(service: string): ServingStatus | undefined {
    if (!this.services.has(service)) return undefined;
    return this.isReady() && !this.hasLeft ? 'SERVING' : 'NOT_SERVING';
  }

  encode(status: ServingStatus | 'SERVICE_UNKNOWN'): Buffer {
    return this.response.encode({ status });
  }

  /** The service that a request names; undefined when its bytes are none. */
  decode(body: Buffer): string | undefined {
    try {
      return String(this.request.decode(body)['service']);
    } catch {
      return undefined;
    }
  }

  add(watcher: Watcher): void {
    this.watchers.add(watcher);
  }

  remove(watcher: Watcher): void {
    this.watchers.delete(watcher);
  }

  /** Tells everybody who watches what has changed. */
  refresh(): void {
    for (const watcher of this.watchers) watcher.refresh();
  }

  /** Not serving from now on. */
  leave(): void {
    this.hasLeft = true;
    this.refresh();
  }
}
