/** Values by key that may be as old as that; whoever asks at the same time shares one reading, and one that failed is not kept. */
export class Remembered<T> {
  private readonly entries = new Map<string, { readonly value: Promise<T>; readonly readAt: number }>();

  constructor(private readonly maxAgeMs: number) {}

  get(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.entries.get(key);
    if (known !== undefined && performance.now() - known.readAt < this.maxAgeMs) return known.value;
    const entry = { value: read(), readAt: performance.now() };
    this.entries.set(key, entry);
    entry.value.catch(() => {
      if (this.entries.get(key) === entry) this.entries.delete(key);
    });
    return entry.value;
  }

  forget(key: string): void {
    this.entries.delete(key);
  }

  get size(): number {
    return this.entries.size;
  }
}
