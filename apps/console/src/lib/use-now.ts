'use client';

import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let current = 0;
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    current = Date.now();
    timer = setInterval(() => {
      current = Date.now();
      for (const each of listeners) each();
    }, 5_000);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) clearInterval(timer);
  };
}

/** The time, refreshed every five seconds by one timer for all who ask; 0 on the server. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, readNow, () => 0);
}

function readNow(): number {
  if (current === 0) current = Date.now();
  return current;
}
