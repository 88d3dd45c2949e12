import { type AlertState, assertNever, type Judgement } from '@slipway/contracts';

/** Where an alert stands. */
export interface AlertPosition {
  readonly state: AlertState;
  readonly pendingAt: Date | null;
  readonly firingAt: Date | null;
  readonly resolvedAt: Date | null;
}

export interface AlertStep {
  readonly position: AlertPosition;
  /** Set when people are to be told. */
  readonly transition?: 'firing' | 'resolved';
}

export const newAlert: AlertPosition = { state: 'inactive', pendingAt: null, firingAt: null, resolvedAt: null };

/**
 * The next state of an alert: inactive → pending while the condition holds → firing after `forSeconds` → resolved when it holds no more
 * (`alerts-and-metrics.md` 10.1). Too little traffic changes nothing: it proves neither trouble nor recovery.
 * Evaluating twice at one time, or with a clock that went back, tells nobody twice.
 */
export function nextAlertState(current: AlertPosition, verdict: Judgement['verdict'], forSeconds: number, now: Date): AlertStep {
  if (verdict === 'insufficient') return { position: current };
  const alarm = verdict === 'alarm';
  switch (current.state) {
    case 'inactive':
    case 'resolved':
      return alarm ? begin(current, forSeconds, now) : { position: current };
    case 'pending':
      return alarm
        ? proceed(current, forSeconds, now)
        : { position: { ...current, state: current.resolvedAt === null ? 'inactive' : 'resolved', pendingAt: null } };
    case 'firing':
      return alarm ? { position: current } : resolve(current, now);
    default:
      return assertNever(current.state);
  }
}

/** Ends an alert whose rule is gone, switched off or about something else now. A firing one is announced as resolved. */
export function endAlert(current: AlertPosition, now: Date): AlertStep {
  if (current.state === 'firing') return resolve(current, now);
  if (current.state === 'pending') return { position: { ...current, state: current.resolvedAt === null ? 'inactive' : 'resolved', pendingAt: null } };
  return { position: current };
}

function begin(current: AlertPosition, forSeconds: number, now: Date): AlertStep {
  const pending: AlertPosition = { ...current, state: 'pending', pendingAt: now };
  return forSeconds === 0 ? fire(pending, now) : { position: pending };
}

function proceed(current: AlertPosition, forSeconds: number, now: Date): AlertStep {
  // Without a beginning, or with one that lies ahead because the clock went back, the time starts again.
  if (current.pendingAt === null || current.pendingAt > now) return { position: { ...current, pendingAt: now } };
  return now.getTime() - current.pendingAt.getTime() >= forSeconds * 1000 ? fire(current, now) : { position: current };
}

function fire(current: AlertPosition, now: Date): AlertStep {
  return { position: { ...current, state: 'firing', firingAt: now, resolvedAt: null }, transition: 'firing' };
}

function resolve(current: AlertPosition, now: Date): AlertStep {
  return { position: { ...current, state: 'resolved', pendingAt: null, resolvedAt: now }, transition: 'resolved' };
}
