import { parseServerSentEvents, type ServerSentEvent } from './parse-server-sent-events';

export type StreamState = 'connecting' | 'live' | 'waiting' | 'paused' | 'signed-out';

/** A stream without a byte for this long is dead: the API sends a heartbeat every 15 s. */
const silenceMs = 40_000;
const retryMs = { first: 500, most: 15_000 };

/**
 * One reader of `/v1/events`. Read with fetch instead of EventSource, because EventSource hears only the event names it was told
 * beforehand, and the names of events are open. It resumes with `Last-Event-ID` and reconnects with growing, jittered pauses.
 */
export class EventStream {
  #state: StreamState = 'paused';
  #lastId: string | undefined;
  #failures = 0;
  #abort: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #stateListeners = new Set<() => void>();
  readonly #onEvent: (event: ServerSentEvent) => void;

  constructor(onEvent: (event: ServerSentEvent) => void) {
    this.#onEvent = onEvent;
  }

  get state(): StreamState {
    return this.#state;
  }

  /** For `useSyncExternalStore`. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  };

  start(): void {
    if (this.#abort !== undefined) return;
    this.#abort = new AbortController();
    void this.#read(this.#abort);
  }

  pause(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
    this.#abort = undefined;
    this.#setState('paused');
  }

  async #read(abort: AbortController): Promise<void> {
    this.#setState('connecting');
    try {
      const headers: Record<string, string> = { accept: 'text/event-stream' };
      if (this.#lastId !== undefined) headers['last-event-id'] = this.#lastId;
      const response = await fetch('/v1/events', { headers, credentials: 'same-origin', cache: 'no-store', signal: abort.signal });
      if (response.status === 401) return this.#end(abort, 'signed-out');
      if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
      this.#failures = 0;
      this.#setState('live');
      await this.#consume(response.body, abort);
    } catch {
      // Every way of failing is answered alike: wait and try again.
    }
    if (!abort.signal.aborted || this.#abort === abort) this.#retry(abort);
  }

  async #consume(body: ReadableStream<Uint8Array>, abort: AbortController): Promise<void> {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let rest = '';
    for (;;) {
      const guard = setTimeout(() => abort.abort(), silenceMs);
      const { done, value } = await reader.read().finally(() => clearTimeout(guard));
      if (done) return;
      const parsed = parseServerSentEvents(rest + decoder.decode(value, { stream: true }));
      rest = parsed.rest;
      for (const event of parsed.events) {
        if (event.id !== undefined) this.#lastId = event.id;
        this.#onEvent(event);
      }
    }
  }

  #retry(abort: AbortController): void {
    if (this.#abort !== abort) return;
    this.#setState('waiting');
    const wait = Math.min(retryMs.most, retryMs.first * 2 ** this.#failures) * (0.5 + Math.random());
    this.#failures += 1;
    this.#timer = setTimeout(() => {
      this.#abort = undefined;
      this.start();
    }, wait);
  }

  #end(abort: AbortController, state: StreamState): void {
    if (this.#abort === abort) this.#abort = undefined;
    this.#setState(state);
  }

  #setState(state: StreamState): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of this.#stateListeners) listener();
  }
}
