'use client';

import { useRouter } from 'next/navigation';
import { type KeyboardEvent, useId, useRef, useState } from 'react';
import { useDeployments } from '@/lib/api/deployments';
import { useModels } from '@/lib/api/models';
import { useShortcut } from '@/lib/use-shortcut';
import { Icon, type IconName } from '../icon';
import { Kbd, Raw } from '../text';
import { places } from './navigation';

interface Hit {
  readonly href: string;
  readonly label: string;
  readonly kind: string;
  readonly icon: IconName;
}

const hitsShown = 8;

/** Jumps to a deployment, a model, a page, or a prediction by its id. */
export function Search() {
  const router = useRouter();
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const hits = useHits(text, open);
  useShortcut('/', () => {
    if (field.current?.offsetParent !== null) field.current?.focus();
  });

  const go = (hit: Hit | undefined) => {
    if (hit === undefined) return;
    setText('');
    setOpen(false);
    field.current?.blur();
    router.push(hit.href);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      setAt((now) => (hits.length === 0 ? 0 : (now + (event.key === 'ArrowDown' ? 1 : -1) + hits.length) % hits.length));
    }
    if (event.key === 'Enter') go(hits[at]);
    if (event.key === 'Escape') {
      setText('');
      field.current?.blur();
    }
  };
  const shows = open && text !== '';
  return (
    <div className="relative">
      <Icon name="search" className="pointer-events-none absolute top-2.5 left-2.5 text-ink-3 max-md:top-3" size={14} />
      <input
        ref={field}
        role="combobox"
        aria-label="Search deployments, models and predictions"
        aria-expanded={shows}
        aria-controls={`${id}-hits`}
        aria-autocomplete="list"
        aria-activedescendant={shows && hits.length > 0 ? `${id}-${at}` : undefined}
        autoComplete="off"
        spellCheck={false}
        placeholder="Search"
        className="control !min-h-[2.125rem] !pr-8 !pl-8 !text-[0.8125rem] max-md:!min-h-10"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      <span className="pointer-events-none absolute top-[0.4375rem] right-2 max-md:hidden">{text === '' && <Kbd>/</Kbd>}</span>
      {shows && (
        <div
          id={`${id}-hits`}
          role="listbox"
          aria-label="Matches"
          className="absolute top-full right-0 left-0 z-40 mt-1 min-w-64 rounded-lg border border-line bg-raised p-1 shadow-pop"
        >
          {hits.map((hit, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: focus stays in the field, which handles the keys (combobox pattern).
            <div
              key={hit.href}
              id={`${id}-${index}`}
              role="option"
              aria-selected={index === at}
              className={`flex min-h-8 items-center gap-2 rounded-md px-2 text-[0.8125rem] ${index === at ? 'bg-hover' : ''}`}
              onMouseDown={(event) => event.preventDefault()}
              onMouseEnter={() => setAt(index)}
              onClick={() => go(hit)}
            >
              <Icon name={hit.icon} className="text-ink-3" size={14} />
              <span className="flex-1 truncate">
                <Raw max={60}>{hit.label}</Raw>
              </span>
              <span className="text-xs text-ink-3">{hit.kind}</span>
            </div>
          ))}
          {hits.length === 0 && <p className="px-2 py-1.5 text-[0.8125rem] text-ink-3">Nothing matches</p>}
        </div>
      )}
    </div>
  );
}

function useHits(text: string, enabled: boolean): readonly Hit[] {
  const deployments = useDeployments({ enabled }).items ?? [];
  const models = useModels({ enabled }).items ?? [];
  const wanted = text.trim();
  if (wanted === '') return [];
  if (/^prd_[0-9A-Za-z]+(#\d+)?$/.test(wanted))
    return [{ href: `/predictions/${encodeURIComponent(wanted)}`, label: wanted, kind: 'prediction', icon: 'bolt' }];
  const all: readonly Hit[] = [
    ...deployments.map((each) => ({
      href: `/deployments/${encodeURIComponent(each.name)}`,
      label: each.name,
      kind: 'deployment',
      icon: 'overview' as const,
    })),
    ...models.map((each) => ({ href: `/models/${encodeURIComponent(each.name)}`, label: each.name, kind: 'model', icon: 'model' as const })),
    ...places.map((each) => ({ href: each.href, label: each.label, kind: 'page', icon: each.icon })),
  ];
  const low = wanted.toLowerCase();
  return all.filter((hit) => hit.label.toLowerCase().includes(low)).slice(0, hitsShown);
}
