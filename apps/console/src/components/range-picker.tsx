'use client';

import Link from 'next/link';
import { usePathname, useSearchParams } from 'next/navigation';
import { rangePresets } from '@/lib/time/time-range';
import { useRange } from '@/lib/use-range';

/** Chooses the time range; it lives in the address, so a link shows what its sender saw. */
export function RangePicker() {
  const range = useRange();
  const pathname = usePathname();
  const params = useSearchParams();
  const linkTo = (id: string) => {
    const next = new URLSearchParams(params);
    next.set('range', id);
    return `${pathname}?${next}`;
  };
  return (
    <nav aria-label="Time range" className="inline-flex flex-wrap rounded-lg border border-line-strong bg-surface p-0.5">
      {rangePresets.map((preset) => (
        <Link
          key={preset.id}
          href={linkTo(preset.id)}
          replace
          scroll={false}
          aria-current={preset.id === range.id ? 'true' : undefined}
          aria-label={`${preset.label}, ${preset.words}`}
          className={`flex h-7 min-w-9 items-center justify-center rounded-md px-2 text-xs max-md:h-9 max-md:min-w-11 ${preset.id === range.id ? 'bg-solid font-medium text-solid-ink' : 'text-ink-2 hover:bg-hover hover:text-ink'}`}
        >
          {preset.label}
        </Link>
      ))}
    </nav>
  );
}
