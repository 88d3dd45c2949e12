'use client';

import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { useAlerts } from '@/lib/api/alerts';
import { Icon, SlipwayMark } from '../icon';
import { Account } from './account';
import { Connection } from './connection';
import { isIn, type Place, places } from './navigation';
import { Search } from './search';
import { ThemeSwitch } from './theme-switch';

/** Navigation on wide pages. */
export function Sidebar({ onHelp }: { readonly onHelp: () => void }) {
  return (
    <aside className="sticky top-0 flex h-dvh flex-col border-r border-line px-3 py-4 max-md:hidden">
      <Link href="/" className="mb-4 flex items-center gap-2.5 rounded-lg px-2 py-1">
        <SlipwayMark />
        <span className="text-[0.9375rem] font-semibold tracking-[-0.01em]">Slipway</span>
      </Link>
      <Search />
      <nav aria-label="Main" className="mt-4 flex-1 overflow-y-auto">
        <ul className="flex flex-col gap-0.5">
          {places.map((place) => (
            <li key={place.href}>
              <NavLink place={place} />
            </li>
          ))}
        </ul>
      </nav>
      <div className="flex flex-col gap-2 border-t border-line pt-3">
        <Account />
        <div className="flex items-center justify-between pl-2">
          <Connection />
          <div className="flex items-center">
            <ThemeSwitch />
            <button
              type="button"
              onClick={onHelp}
              aria-label="Keyboard help"
              title="Keyboard help"
              className="flex size-7 items-center justify-center rounded-md text-ink-3 hover:bg-hover hover:text-ink"
            >
              <Icon name="help" />
            </button>
          </div>
        </div>
      </div>
    </aside>
  );
}

function NavLink({ place }: { readonly place: Place }) {
  const current = isIn(place, usePathname());
  return (
    <Link
      href={place.href}
      aria-current={current ? 'page' : undefined}
      className={`flex h-8 items-center gap-2.5 rounded-lg px-2 text-[0.8125rem] ${current ? 'bg-[color-mix(in_srgb,var(--ink)_8%,transparent)] font-medium text-ink' : 'text-ink-2 hover:bg-hover hover:text-ink'}`}
    >
      <Icon name={place.icon} className={current ? 'text-ink' : 'text-ink-3'} />
      <span className="flex-1">{place.label}</span>
      {place.href === '/alerts' && <FiringCount />}
    </Link>
  );
}

/** How many alerts fire now. */
export function FiringCount() {
  const firing = useAlerts('firing').items?.length ?? 0;
  if (firing === 0) return null;
  return (
    <span className="inline-flex h-4 min-w-4 items-center justify-center rounded-full bg-bad-solid px-1 text-2xs leading-none font-semibold whitespace-nowrap text-white">
      {firing}
      <span className="sr-only"> firing</span>
    </span>
  );
}
