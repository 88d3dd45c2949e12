'use client';

import { type ReactNode, useId, useLayoutEffect, useRef } from 'react';
import { IconButton } from './button';

interface DialogProps {
  readonly title: ReactNode;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly footer?: ReactNode;
  readonly width?: string;
  /** While something must not be walked away from by accident (an upload), Esc and the backdrop do nothing. */
  readonly held?: boolean;
}

/** A modal: the browser's own dialog gives the focus trap, Esc, and the return of focus. Mounted means open. */
export function Dialog({ title, onClose, children, footer, width = '34rem', held = false }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  // Closed before it leaves the page: only then does the browser give the focus back to where it was.
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (dialog === null) return;
    dialog.showModal();
    // Straight to what has to be filled in; a touch screen would put its keyboard over the rest.
    if (matchMedia('(pointer: fine)').matches) dialog.querySelector<HTMLElement>('div input:not([type=file]), div select, div textarea')?.focus();
    return () => dialog.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the click is the backdrop's; Esc is the key for it.
    <dialog
      ref={ref}
      className="sheet"
      style={{ '--sheet-width': width }}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        if (!held) onClose();
      }}
      onClick={(event) => {
        if (event.target === ref.current && !held) onClose();
      }}
    >
      <header className="flex items-center justify-between gap-4 border-b border-line py-2.5 pr-2.5 pl-5">
        <h2 id={titleId} className="text-[0.9375rem] font-semibold">
          {title}
        </h2>
        <IconButton icon="x" label="Close" onClick={onClose} disabled={held} />
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto px-5 py-4">{children}</div>
      {footer && <footer className="flex flex-wrap items-center justify-end gap-2 border-t border-line bg-sunken px-5 py-3">{footer}</footer>}
    </dialog>
  );
}
