'use client';

import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import { IconButton } from './button';
import { Icon } from './icon';

interface Notice {
  readonly id: number;
  readonly text: string;
}

const shownMs = 6_000;
const NoticeContext = createContext<(text: string) => void>(() => undefined);

/** Says in a quiet corner, and to screen readers, that something was done. */
export function useNotify(): (text: string) => void {
  return useContext(NoticeContext);
}

export function NoticeProvider({ children }: { readonly children: ReactNode }) {
  const [notices, setNotices] = useState<readonly Notice[]>([]);
  const remove = useCallback((id: number) => setNotices((all) => all.filter((each) => each.id !== id)), []);
  const notify = useMemo(() => {
    let next = 1;
    return (text: string) => {
      const id = next++;
      setNotices((all) => [...all.slice(-2), { id, text }]);
      setTimeout(() => remove(id), shownMs);
    };
  }, [remove]);
  return (
    <NoticeContext value={notify}>
      {children}
      <div
        aria-live="polite"
        className="pointer-events-none fixed right-4 bottom-4 z-50 flex flex-col gap-2 max-md:right-2 max-md:bottom-20 max-md:left-2"
      >
        {notices.map((notice) => (
          <div
            key={notice.id}
            className="pointer-events-auto flex items-center gap-2 rounded-lg border border-line bg-raised py-1.5 pr-1.5 pl-3 text-[0.8125rem] shadow-pop"
          >
            <Icon name="check-circle" className="text-ok" />
            <span className="raw flex-1">{notice.text}</span>
            <IconButton icon="x" label="Dismiss" onClick={() => remove(notice.id)} />
          </div>
        ))}
      </div>
    </NoticeContext>
  );
}
