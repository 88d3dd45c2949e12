/** What a parent process asks, and what a child answers, over their message channel. */
export const pingMessage = { kind: 'ping' } as const;
export const pongMessage = { kind: 'pong' } as const;

/** Answers the parent's question whether this process still gets to do anything; nothing to do without a parent that has a channel. */
export function answerPings(): void {
  if (process.send === undefined) return;
  process.on('message', (message: unknown) => {
    // The channel may have been closed meanwhile; then nobody waits for the answer.
    if (isKind(message, pingMessage.kind) && process.connected) process.send?.(pongMessage, undefined, undefined, () => undefined);
  });
}

/** Whether this message is an answer to a ping. */
export function isPong(message: unknown): boolean {
  return isKind(message, pongMessage.kind);
}

function isKind(message: unknown, kind: string): boolean {
  return typeof message === 'object' && message !== null && Reflect.get(message, 'kind') === kind;
}
