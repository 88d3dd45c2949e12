'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useState } from 'react';
import { Dialog } from '../dialog';
import { Icon, SlipwayMark } from '../icon';
import { Account } from './account';
import { Connection } from './connection';
import { isIn, type Place, places } from './navigation';
import { Search } from './search';
import { FiringCount } from './sidebar';
import { ThemeSwitch } from './theme-switch';

const inBar = 3;

/** The head of narrow pages. */
export function TopBar() {
  return (
    <header className="sticky top-0 z-30 flex items-center gap-3 border-b border-line bg-canvas px-4 py-2 md:hidden">
      <Link href="/" aria-label="Slipway, overview" className="flex size-9 items-center justify-center rounded-lg">
        <SlipwayMark />
      </Link>
      <div className="min-w-0 flex-1">
        <Search />
      </div>
      <Connection short />
    </header>
  );
}

/** Navigation of narrow pages, at the thumb. */
export function BottomBar({ onHelp }: { readonly onHelp: () => void }) {
  const [open, setOpen] = useState(false);
  const pathname = usePathname();
  const rest = places.slice(inBar);
  return (
    <nav aria-label="Main" className="fixed inset-x-0 bottom-0 z-30 border-t border-line bg-surface pb-[env(safe-area-inset-bottom)] md:hidden">
      <ul className="grid grid-cols-4">
        {places.slice(0, inBar).map((place) => (
          <li key={place.href}>
            <BarLink place={place} current={isIn(place, pathname)} />
          </li>
        ))}
        <li>
          <button type="button" onClick={() => setOpen(true)} className={barLook(rest.some((place) => isIn(place, pathname)))}>
            <Icon name="more" size={18} />
            More
          </button>
        </li>
      </ul>
      {open && (
        <Dialog title="More" onClose={() => setOpen(false)}>
          <ul className="-mx-2 flex flex-col">
            {rest.map((place) => (
              <li key={place.href}>
                <Link href={place.href} onClick={() => setOpen(false)} className="flex h-11 items-center gap-3 rounded-lg px-2 hover:bg-hover">
                  <Icon name={place.icon} className="text-ink-3" /> {place.label}
                </Link>
              </li>
            ))}
          </ul>
          <div className="mt-3 flex flex-col gap-3 border-t border-line pt-3">
            <Account />
            <div className="flex items-center justify-between px-2">
              <Connection />
              <span className="flex items-center gap-1">
                <ThemeSwitch />
                <button
                  type="button"
                  aria-label="Keyboard help"
                  className="flex size-10 items-center justify-center rounded-md text-ink-3"
                  onClick={() => {
                    setOpen(false);
                    onHelp();
                  }}
                >
                  <Icon name="help" />
                </button>
              </span>
            </div>
          </div>
        </Dialog>
      )}
    </nav>
  );
}

function BarLink({ place, current }: { readonly place: Place; readonly current: boolean }) {
  return (
    <Link href={place.href} aria-current={current ? 'page' : undefined} className={barLook(current)}>
      <span className="relative">
        <Icon name={place.icon} size={18} />
        {place.href === '/alerts' && (
          <span className="absolute -top-1.5 left-2.5">
            <FiringCount />
          </span>
        )}
      </span>
      {place.label}
    </Link>
  );
}

function barLook(current: boolean): string {
  return `flex h-14 w-full flex-col items-center justify-center gap-1 text-2xs -outline-offset-2 ${current ? 'font-semibold text-ink' : 'text-ink-3'}`;
}
