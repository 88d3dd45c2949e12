/** Who changes something, in which project, by which request: goes into the event of the change. */
export interface ChangeBy {
  readonly projectId: string;
  /** "key:<name>", "session:<actor>" or "system:<part>". */
  readonly actor: string;
  readonly requestId?: string | undefined;
}
