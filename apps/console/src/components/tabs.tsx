'use client';

import Link from 'next/link';
import { usePathname, useSearchParams } from 'next/navigation';
import type { ReactNode } from 'react';

export interface Tab {
  readonly href: string;
  readonly label: string;
  readonly badge?: ReactNode;
}

/** Tabs that are addresses. The time range goes along. */
export function Tabs({ label, tabs }: { readonly label: string; readonly tabs: readonly Tab[] }) {
  const pathname = usePathname();
  const range = useSearchParams().get('range');
  return (
    <nav aria-label={label} className="-mx-4 mb-5 overflow-x-auto border-b border-line px-4 [scrollbar-width:none] md:mx-0 md:px-0">
      <ul className="flex gap-1">
        {tabs.map((tab) => {
          const current = pathname === tab.href || decodeURIComponent(pathname) === decodeURIComponent(tab.href);
          return (
            <li key={tab.href}>
              <Link
                href={range === null ? tab.href : `${tab.href}?range=${encodeURIComponent(range)}`}
                aria-current={current ? 'page' : undefined}
                className={`flex h-9 items-center gap-1.5 border-b-2 px-2.5 text-[0.8125rem] whitespace-nowrap max-md:h-11 ${current ? 'border-ink font-medium text-ink' : 'border-transparent text-ink-2 hover:text-ink'} -outline-offset-2`}
              >
                {tab.label}
                {tab.badge}
              </Link>
            </li>
          );
        })}
      </ul>
    </nav>
  );
}
