'use client';

import { useEffect, useRef, useSyncExternalStore } from 'react';

const storageKey = 'slipway.shortcuts';
const listeners = new Set<() => void>();

/** Single-key shortcuts can be switched off (WCAG 2.1.4). */
export function shortcutsEnabled(): boolean {
  return typeof localStorage === 'undefined' || localStorage.getItem(storageKey) !== 'off';
}

export function setShortcutsEnabled(enabled: boolean): void {
  localStorage.setItem(storageKey, enabled ? 'on' : 'off');
  for (const listener of listeners) listener();
}

export function useShortcutsEnabled(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    shortcutsEnabled,
    () => true,
  );
}

let prefix: { readonly key: string; readonly until: number } | undefined;
const prefixMs = 1_200;

/** Calls the action when the key (`r`) or the sequence (`g o`) is typed outside of fields and dialogs. */
export function useShortcut(keys: string, action: () => void, enabled = true): void {
  const latest = useRef(action);
  useEffect(() => {
    latest.current = action;
  });
  useEffect(() => {
    if (!enabled) return;
    const [first, second] = keys.split(' ');
    const listen = (event: KeyboardEvent) => {
      if (!isShortcut(event)) return;
      const open = prefix !== undefined && prefix.until > performance.now() ? prefix.key : undefined;
      if (second === undefined ? open === undefined && event.key === first : open === first && event.key === second) {
        event.preventDefault();
        latest.current();
      }
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, [keys, enabled]);
}

/** Remembers the first key of a sequence; mounted once. Runs in the bubble phase of `window`, after the shortcuts have looked. */
export function useShortcutPrefix(key: string): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const starts = isShortcut(event) && event.key === key && prefix === undefined;
      prefix = starts ? { key, until: performance.now() + prefixMs } : undefined;
    };
    window.addEventListener('keydown', listen);
    return () => window.removeEventListener('keydown', listen);
  }, [key]);
}

function isShortcut(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !shortcutsEnabled()) return false;
  if (document.querySelector('dialog[open]') !== null) return false;
  const target = event.target;
  return !(target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)));
}
