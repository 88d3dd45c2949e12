'use client';

import { type ReactNode, useState } from 'react';
import { Button } from './button';

interface FoldedProps<T> {
  /** The most important ones first. */
  readonly rows: readonly T[];
  /** How many are shown at first. */
  readonly first: number;
  readonly children: (rows: readonly T[]) => ReactNode;
}

/** The first rows, and the others on request. A single hidden row would not be worth a button. */
export function Folded<T>({ rows, first, children }: FoldedProps<T>) {
  const [isOpen, setIsOpen] = useState(false);
  const isFolded = !isOpen && rows.length > first + 1;
  return (
    <>
      {children(isFolded ? rows.slice(0, first) : rows)}
      {isFolded && (
        <div className="flex justify-center border-t border-line p-3">
          <Button kind="quiet" onClick={() => setIsOpen(true)}>
            Show all {rows.length}
          </Button>
        </div>
      )}
    </>
  );
}
