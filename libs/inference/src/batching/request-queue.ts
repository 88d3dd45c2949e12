/** From this many taken places on the list is cut; below it cutting costs more than it frees. */
const cutFrom = 1_024;

/** A first-in first-out queue with a bound; taking and adding cost the same at any length. */
export class RequestQueue<T> {
  private items: (T | undefined)[] = [];
  private head = 0;

  constructor(private readonly bound: number) {}

  get size(): number {
    return this.items.length - this.head;
  }

  /** Adds at the end; false when the queue is full. */
  push(item: T): boolean {
    if (this.size >= this.bound) return false;
    this.items.push(item);
    return true;
  }

  /** Takes from the front. */
  shift(): T | undefined {
    const item = this.items[this.head];
    if (item === undefined) return undefined;
    // Under constant load the queue is never empty: what was taken must not stay in the list, nor the list grow with it.
    this.items[this.head] = undefined;
    this.head++;
    if (this.head === this.items.length || (this.head >= cutFrom && this.head * 2 >= this.items.length)) this.cut();
    return item;
  }

  /** Drops every item that matches; returns how many. */
  remove(matches: (item: T) => boolean): number {
    const before = this.size;
    this.items = this.items.slice(this.head).filter((item) => item !== undefined && !matches(item));
    this.head = 0;
    return before - this.items.length;
  }

  private cut(): void {
    this.items = this.items.slice(this.head);
    this.head = 0;
  }
}
