'use client';

import { useQueryClient } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useEffect, useMemo, useSyncExternalStore } from 'react';
import { EventStream, type StreamState } from './event-stream.client';
import { keysOfEvent } from './keys-of-event';

/** Events come in bursts; one refetch per burst is enough. */
const gatherMs = 250;
/** Without a stream everything on the screen is asked for this often. */
const fallbackPollMs = 5_000;
/** A hidden tab gives its connection back after this long. */
const hiddenGraceMs = 20_000;

const LiveContext = createContext<StreamState>('paused');

/** The state of the live connection. */
export function useLiveState(): StreamState {
  return useContext(LiveContext);
}

/** Holds the one event stream of this tab and makes queries stale as events come in. */
export function LiveProvider({ children }: { readonly children: ReactNode }) {
  const client = useQueryClient();
  const { stream, dispose } = useMemo(() => {
    const stale = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const flush = () => {
      timer = undefined;
      for (const key of stale) void client.invalidateQueries({ queryKey: [key] });
      stale.clear();
    };
    const created = new EventStream((event) => {
      for (const key of keysOfEvent(event.event)) stale.add(key);
      timer ??= setTimeout(flush, gatherMs);
    });
    return { stream: created, dispose: () => clearTimeout(timer) };
  }, [client]);

  useEffect(() => {
    let hiddenTimer: ReturnType<typeof setTimeout> | undefined;
    const follow = () => {
      clearTimeout(hiddenTimer);
      if (document.visibilityState === 'hidden') hiddenTimer = setTimeout(() => stream.pause(), hiddenGraceMs);
      else stream.start();
    };
    follow();
    document.addEventListener('visibilitychange', follow);
    return () => {
      document.removeEventListener('visibilitychange', follow);
      clearTimeout(hiddenTimer);
      dispose();
      stream.pause();
    };
  }, [stream, dispose]);

  const state = useSyncExternalStore(stream.subscribe, () => stream.state, serverState);
  useEffect(() => {
    if (state !== 'waiting' && state !== 'connecting') return;
    const timer = setInterval(() => void client.invalidateQueries(), fallbackPollMs);
    return () => clearInterval(timer);
  }, [state, client]);
  // What happened while the stream was down and is not in its memory any more would else be missed.
  useEffect(() => {
    if (state === 'live') void client.invalidateQueries();
  }, [state, client]);

  return <LiveContext value={state}>{children}</LiveContext>;
}

function serverState(): StreamState {
  return 'paused';
}
