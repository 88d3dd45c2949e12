import type { ChangedItem, Difference, HistoryItem } from '@slipway/contracts';

/** Bound of the differences told of one thing; a changed signature can have thousands. */
export const differencesMax = 200;

/** What differs between two states, thing by thing, in the order of the later one; removed things stand where they were. */
export function compareItems(before: readonly HistoryItem[], after: readonly HistoryItem[]): readonly ChangedItem[] {
  const old = byKey(before);
  const fresh = byKey(after);
  const changed: ChangedItem[] = [];
  for (const [key, item] of fresh) {
    const was = old.get(key);
    const differences = differencesOf(was?.state, item.state);
    if (was === undefined) changed.push({ ...named(item), change: 'added', differences });
    else if (differences.length > 0) changed.push({ ...named(item), change: 'changed', differences });
  }
  for (const [key, item] of old)
    if (!fresh.has(key)) changed.push({ ...named(item), change: 'removed', differences: differencesOf(item.state, undefined) });
  return changed;
}

/** The values that differ between two plain values, by path; objects are looked into, lists and everything else are compared whole. */
export function differencesOf(before: unknown, after: unknown, path = ''): Difference[] {
  const differences: Difference[] = [];
  collect(before, after, path, differences);
  return differences.slice(0, differencesMax);
}

function collect(before: unknown, after: unknown, path: string, found: Difference[]): void {
  if (found.length > differencesMax) return;
  const [old, fresh] = [asObject(before), asObject(after)];
  const isOpen = (old !== undefined || before === undefined) && (fresh !== undefined || after === undefined);
  if (!isOpen || (old === undefined && fresh === undefined)) {
    if (!isSame(before, after)) found.push({ path, before: before ?? null, after: after ?? null });
    return;
  }
  for (const key of new Set([...Object.keys(old ?? {}), ...Object.keys(fresh ?? {})])) {
    collect(old?.[key], fresh?.[key], path === '' ? key : `${path}.${key}`, found);
  }
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b || (a ?? null) === (b ?? null)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, index) => isSame(each, b[index]));
  const [left, right] = [asObject(a), asObject(b)];
  if (left === undefined || right === undefined) return false;
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => isSame(left[key], right[key]));
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  // A plain object read from JSON: its keys are texts, which is what the cast states.
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

const byKey = (items: readonly HistoryItem[]) => new Map(items.map((item) => [`${item.kind}/${item.id}`, item]));
const named = ({ kind, id, name }: HistoryItem) => ({ kind, id, name });
