'use client';

import { type KeyboardEvent, type ReactNode, useId, useRef } from 'react';

interface Choice<Id extends string> {
  readonly id: Id;
  readonly label: string;
}

interface ChoiceTabsProps<Id extends string> {
  readonly label: string;
  readonly choices: readonly Choice<Id>[];
  readonly chosen: Id;
  readonly onChoose: (id: Id) => void;
  readonly children: ReactNode;
}

/** Tabs within a page: one stop of the Tab key, arrows between them. The panel of the chosen one is the child. */
export function ChoiceTabs<Id extends string>({ label, choices, chosen, onChoose, children }: ChoiceTabsProps<Id>) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent) => {
    const next =
      choices[
        nextIndex(
          event.key,
          choices.findIndex((choice) => choice.id === chosen),
          choices.length,
        )
      ];
    if (next === undefined) return;
    event.preventDefault();
    onChoose(next.id);
    list.current?.querySelector<HTMLButtonElement>(`[data-choice="${next.id}"]`)?.focus();
  };
  return (
    <>
      <div
        ref={list}
        role="tablist"
        aria-label={label}
        onKeyDown={move}
        className="flex gap-1 overflow-x-auto border-b border-line px-4 [scrollbar-width:none]"
      >
        {choices.map((choice) => {
          const isChosen = choice.id === chosen;
          return (
            <button
              key={choice.id}
              type="button"
              role="tab"
              id={`${id}-${choice.id}`}
              data-choice={choice.id}
              aria-selected={isChosen}
              aria-controls={`${id}-panel`}
              tabIndex={isChosen ? 0 : -1}
              onClick={() => onChoose(choice.id)}
              className={`-mb-px flex h-9 items-center border-b-2 px-2.5 text-[0.8125rem] whitespace-nowrap -outline-offset-2 max-md:h-11 ${isChosen ? 'border-ink font-medium text-ink' : 'border-transparent text-ink-2 hover:text-ink'}`}
            >
              {choice.label}
            </button>
          );
        })}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen}`}>
        {children}
      </div>
    </>
  );
}

/** Which tab a key leads to; outside of the list when to none. */
function nextIndex(key: string, index: number, count: number): number {
  switch (key) {
    case 'ArrowRight':
      return (index + 1) % count;
    case 'ArrowLeft':
      return (index + count - 1) % count;
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return -1;
  }
}
