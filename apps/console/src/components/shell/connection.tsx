'use client';

import type { StreamState } from '@/lib/live/event-stream.client';
import { useLiveState } from '@/lib/live/live-provider';

const looks: Readonly<Record<StreamState, { readonly word: string; readonly title: string; readonly dot: string }>> = {
  live: { word: 'Live', title: 'Changes show as they happen.', dot: 'bg-ok' },
  connecting: { word: 'Connecting', title: 'The event stream is being opened.', dot: 'bg-warn' },
  waiting: { word: 'Polling', title: 'The event stream is down; the page asks every 5 seconds and keeps trying.', dot: 'bg-warn' },
  paused: { word: 'Paused', title: 'The tab is hidden.', dot: 'bg-ink-3' },
  'signed-out': { word: 'Signed out', title: 'The session has ended.', dot: 'bg-bad' },
};

/** How fresh the page is. */
export function Connection({ short = false }: { readonly short?: boolean }) {
  const look = looks[useLiveState()];
  return (
    <span role="status" title={look.title} className="flex items-center gap-1.5 text-xs text-ink-3">
      <span className={`size-2 rounded-full ${look.dot}`} aria-hidden="true" />
      <span className={short && look.word === 'Live' ? 'sr-only' : ''}>{look.word}</span>
    </span>
  );
}
