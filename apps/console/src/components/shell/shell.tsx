'use client';

import { useRouter } from 'next/navigation';
import { type ReactNode, useState } from 'react';
import { useShortcut, useShortcutPrefix } from '@/lib/use-shortcut';
import { BottomBar, TopBar } from './narrow-bars';
import { places } from './navigation';
import { ShortcutHelp } from './shortcut-help';
import { Sidebar } from './sidebar';

/** The frame of every page: navigation, search, connection state, shortcuts. */
export function Shell({ children }: { readonly children: ReactNode }) {
  const [helpOpen, setHelpOpen] = useState(false);
  useShortcut('?', () => setHelpOpen(true));
  useShortcutPrefix('g');
  return (
    <div className="md:grid md:grid-cols-[14.5rem_minmax(0,1fr)]">
      <a href="#main" className="sr-only z-50 rounded-lg bg-solid px-3 py-2 text-solid-ink focus:not-sr-only focus:fixed focus:top-2 focus:left-2">
        Skip to content
      </a>
      {places.map((place) => (place.keys === undefined ? null : <Jump key={place.href} keys={place.keys} href={place.href} />))}
      <Sidebar onHelp={() => setHelpOpen(true)} />
      <TopBar />
      <main id="main" tabIndex={-1} className="mx-auto w-full max-w-[84rem] min-w-0 px-4 pt-4 pb-28 outline-none md:px-8 md:pt-7 md:pb-16">
        {children}
      </main>
      <BottomBar onHelp={() => setHelpOpen(true)} />
      {helpOpen && <ShortcutHelp onClose={() => setHelpOpen(false)} />}
    </div>
  );
}

function Jump({ keys, href }: { readonly keys: string; readonly href: string }) {
  const router = useRouter();
  useShortcut(keys, () => router.push(href));
  return null;
}
