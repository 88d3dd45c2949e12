import { EntryList, type ListNode } from './entry-list.js';
import { rankCount } from './rank-of.js';

export interface Ranked {
  readonly rank: number;
}

/** Entries by rank, the lowest first; within a rank in order of arrival. Everything costs the same at any length. */
export class RankedList<T extends Ranked> {
  private readonly lists = new Array<EntryList<T> | undefined>(rankCount).fill(undefined);
  /** Ranks that have been used; few, so looking through them is cheap. */
  private readonly used: number[] = [];
  private count = 0;

  get size(): number {
    return this.count;
  }

  push(entry: T): ListNode<T> {
    this.count += 1;
    return (this.lists[entry.rank] ?? this.open(entry.rank)).push(entry);
  }

  /** Takes an entry out by its place; one that is out already stays out. */
  remove(node: ListNode<T>): void {
    if (!node.isListed) return;
    this.count -= 1;
    this.lists[node.value.rank]?.remove(node);
  }

  /** The one that is served next. */
  get first(): T | undefined {
    for (const rank of this.used) {
      const entry = this.lists[rank]?.first;
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** The newest of the highest rank, if it comes after `rank`: the one to give way when there is no room. */
  lastBehind(rank: number): T | undefined {
    for (let index = this.used.length - 1; index >= 0; index -= 1) {
      const candidate = this.used[index];
      if (candidate === undefined || candidate <= rank) return undefined;
      const entry = this.lists[candidate]?.last;
      if (entry !== undefined) return entry;
    }
    return undefined;
  }

  /** How many would be served before a new entry of this rank. */
  sizeUpTo(rank: number): number {
    let size = 0;
    for (const used of this.used) if (used <= rank) size += this.lists[used]?.size ?? 0;
    return size;
  }

  /** In the order in which they would be taken. */
  *[Symbol.iterator](): Iterator<T> {
    for (const rank of this.used) yield* this.lists[rank] ?? [];
  }

  private open(rank: number): EntryList<T> {
    const list = new EntryList<T>();
    this.lists[rank] = list;
    const at = this.used.findIndex((used) => used > rank);
    this.used.splice(at === -1 ? this.used.length : at, 0, rank);
    return list;
  }
}
