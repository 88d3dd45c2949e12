/** A kept row as the database shows it: column names, times as texts. */
export type KeptRow = Readonly<Record<string, unknown>>;

/** One kept row of a project. `kind` names the table: "alias", "deployment" … */
export interface KeptEntry {
  readonly kind: string;
  readonly id: string;
  readonly row: KeptRow;
}

/** What became of one row. */
export interface RowChange {
  readonly kind: string;
  readonly id: string;
  /** The row after the change; null: it was removed. */
  readonly after: KeptRow | null;
}

/** All kept rows of a project at one moment, by kind and id. */
export type HistoryState = ReadonlyMap<string, KeptEntry>;

/** An event as far as it changed rows. */
export interface AppliedEvent {
  readonly changes: readonly RowChange[];
}

/** The state after an event. Applying the same event twice changes nothing more. */
export function applyEvent(state: HistoryState, event: AppliedEvent): HistoryState {
  return rebuildState(state, event.changes);
}

/** The state after many changes, in their order; the state before them stays as it is. */
export function rebuildState(base: HistoryState, changes: Iterable<RowChange>): HistoryState {
  const state = new Map(base);
  for (const { kind, id, after } of changes) {
    if (after === null) state.delete(keyOf(kind, id));
    else state.set(keyOf(kind, id), { kind, id, row: after });
  }
  return state;
}

/** A state of these entries. */
export function stateOf(entries: Iterable<KeptEntry>): HistoryState {
  return new Map([...entries].map((entry) => [keyOf(entry.kind, entry.id), entry]));
}

/** One row of a state; undefined when it is not there. */
export function entryOf(state: HistoryState, kind: string, id: string): KeptEntry | undefined {
  return state.get(keyOf(kind, id));
}

/** The rows of one kind, by id. */
export function rowsOfKind(state: HistoryState, kind: string): readonly KeptEntry[] {
  return [...state.values()].filter((entry) => entry.kind === kind).sort((a, b) => (a.id < b.id ? -1 : 1));
}

// Kinds have no "/" in them.
const keyOf = (kind: string, id: string) => `${kind}/${id}`;
