const slotsAtStart = 64;
const streamTop = 2 ** 32 - 1;

/**
 * What waits for an answer, by stream. Streams are numbered upwards and not reused before all 32 bits are, so that a late answer to a
 * stream that was given up never meets another request.
 *
 * A `Map` does the same, but under constant coming and going the tables that it outgrows reach V8's old generation and keep whole
 * requests alive until the next full collection: 40 % of the garbage then survives every scavenge, and collecting costs a quarter of the
 * gateway's time. Here a stream's place is its number modulo the size; a place that is still taken skips the number.
 */
export class StreamTable<T> {
  private entries: (T | undefined)[] = new Array<T | undefined>(slotsAtStart).fill(undefined);
  private streams = new Float64Array(slotsAtStart);
  private last = 0;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Takes the next free stream for an entry. */
  add(entry: T): number {
    if (this.count * 2 >= this.entries.length) this.grow();
    let stream = this.last;
    do stream = stream >= streamTop ? 1 : stream + 1;
    while (this.streams[stream % this.entries.length] !== 0);
    this.last = stream;
    this.put(stream, entry);
    this.count += 1;
    return stream;
  }

  /** The entry of a stream, which is over with this; undefined when there is none (any more). */
  take(stream: number): T | undefined {
    const slot = stream % this.entries.length;
    if (stream === 0 || this.streams[slot] !== stream) return undefined;
    const entry = this.entries[slot];
    this.entries[slot] = undefined;
    this.streams[slot] = 0;
    this.count -= 1;
    return entry;
  }

  /** Takes all of them. */
  takeAll(): T[] {
    const taken = this.entries.filter((entry) => entry !== undefined);
    this.entries.fill(undefined);
    this.streams.fill(0);
    this.count = 0;
    return taken;
  }

  /** Twice the size keeps streams that had places of their own apart: what differs modulo n differs modulo 2n. */
  private grow(): void {
    const { entries, streams } = this;
    this.entries = new Array<T | undefined>(entries.length * 2).fill(undefined);
    this.streams = new Float64Array(entries.length * 2);
    entries.forEach((entry, slot) => {
      const stream = streams[slot];
      if (entry !== undefined && stream !== undefined && stream !== 0) this.put(stream, entry);
    });
  }

  private put(stream: number, entry: T): void {
    const slot = stream % this.entries.length;
    this.entries[slot] = entry;
    this.streams[slot] = stream;
  }
}
