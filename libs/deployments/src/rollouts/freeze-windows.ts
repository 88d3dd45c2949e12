/** A time in which no rollout of a project, or of one deployment of it, moves forward. Both ends in UTC; `to` is not part of it. */
export interface FreezeWindow {
  readonly name: string;
  /** Undefined: every deployment of the project. */
  readonly deploymentId: string | undefined;
  readonly from: Date;
  readonly to: Date;
  /** Comes again each week; then shorter than a week. */
  readonly weekly: boolean;
  readonly reason: string | undefined;
}

/** One occurrence of a window. */
export interface WindowSpan {
  readonly from: Date;
  readonly to: Date;
}

/** A window that is open, and until when. */
export interface OpenWindow {
  readonly name: string;
  readonly until: Date;
  readonly reason: string | undefined;
}

const weekMs = 7 * 86_400_000;

/** The open occurrence of a window, or else the next one; undefined when it is over for good. */
export function nextSpan(window: FreezeWindow, now: Date): WindowSpan | undefined {
  const { from, to, weekly } = window;
  if (now < to) return { from, to };
  if (!weekly) return undefined;
  const weeks = Math.floor((now.getTime() - to.getTime()) / weekMs) + 1;
  return { from: new Date(from.getTime() + weeks * weekMs), to: new Date(to.getTime() + weeks * weekMs) };
}

/** Of the windows that are open for a deployment the one that ends last; undefined when it may move. */
export function openWindow(windows: readonly FreezeWindow[], deploymentId: string, now: Date): OpenWindow | undefined {
  const open = windows.flatMap((window): OpenWindow[] => {
    if (window.deploymentId !== undefined && window.deploymentId !== deploymentId) return [];
    const span = nextSpan(window, now);
    return span === undefined || now < span.from ? [] : [{ name: window.name, until: span.to, reason: window.reason }];
  });
  return open.reduce<OpenWindow | undefined>((last, at) => (last === undefined || at.until > last.until ? at : last), undefined);
}
