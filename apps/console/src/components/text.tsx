'use client';

import { readActor } from '@/lib/text/read-actor';
import { safeText } from '@/lib/text/safe-text';
import { formatAge, formatFull } from '@/lib/time/format-time';
import { useNow } from '@/lib/use-now';

/** Text that came from outside (tensor names, reasons): isolated, cut, unseen characters made visible, only ever text. */
export function Raw({ children, max = 80, mono = false }: { readonly children: string; readonly max?: number; readonly mono?: boolean }) {
  return (
    <bdi className={`raw ${mono ? 'font-mono text-[0.75rem]' : ''}`} title={children.length > max ? safeText(children, 400) : undefined}>
      {safeText(children, max)}
    </bdi>
  );
}

/** How long ago, refreshing by itself; the full time in its title. */
export function Ago({ at }: { readonly at: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={formatFull(at)} className="whitespace-nowrap">
      {now === 0 ? '' : formatAge(at, now)}
    </time>
  );
}

/** Who did something: `key:ci` reads as "ci, key", `session:key:ci` as "ci, console". */
export function Actor({ name }: { readonly name: string }) {
  const { who, how } = readActor(name);
  return (
    <span>
      <Raw max={40}>{who}</Raw> {how !== '' && <span className="text-ink-3">{how}</span>}
    </span>
  );
}

export function Kbd({ children }: { readonly children: string }) {
  return (
    <kbd className="inline-flex h-5 min-w-5 items-center justify-center rounded border border-line-strong bg-surface px-1 font-mono text-[0.6875rem] text-ink-2">
      {children}
    </kbd>
  );
}
