'use client';

import type { ReactNode } from 'react';
import { isNotFound, sentenceOf } from '@/lib/api/api-error';
import { Button } from './button';
import { Icon, type IconName } from './icon';

/** The loading face: bars where the rows will be. */
export function Loading({ rows = 4, label = 'Loading' }: { readonly rows?: number; readonly label?: string }) {
  return (
    <div role="status" className="flex flex-col gap-3 p-4">
      <span className="sr-only">{label}</span>
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the bars are alike and never move.
        <div key={index} className="skeleton h-5" style={{ width: `${92 - ((index * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

interface EmptyProps {
  readonly icon: IconName;
  readonly title: string;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
}

/** The empty face: says what would be here and how it gets here. */
export function Empty({ icon, title, children, action }: EmptyProps) {
  return (
    <div className="flex flex-col items-center px-6 py-12 text-center">
      <span className="mb-3 flex size-10 items-center justify-center rounded-full bg-sunken text-ink-3">
        <Icon name={icon} size={20} />
      </span>
      <p className="font-medium">{title}</p>
      {children && <div className="mt-1 max-w-[34rem] text-[0.8125rem] text-ink-2">{children}</div>}
      {action && <div className="mt-4 flex flex-wrap justify-center gap-2">{action}</div>}
    </div>
  );
}

/** The error face: the problem's sentence, and a way on. */
export function Failed({ error, retry }: { readonly error: unknown; readonly retry?: (() => void) | undefined }) {
  const missing = isNotFound(error);
  return (
    <div role="alert" className="flex flex-col items-center px-6 py-12 text-center">
      <span className={`mb-3 flex size-10 items-center justify-center rounded-full ${missing ? 'bg-sunken text-ink-3' : 'bg-bad-soft text-bad'}`}>
        <Icon name={missing ? 'search' : 'alert'} size={20} />
      </span>
      <p className="font-medium">{missing ? 'Nothing by this name' : 'This could not be loaded'}</p>
      <p className="raw mt-1 max-w-[34rem] text-[0.8125rem] text-ink-2">{sentenceOf(error)}</p>
      {retry && !missing && (
        <Button className="mt-4" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** A problem in place, inside a form or panel. */
export function Problem({ error }: { readonly error: unknown }) {
  if (error === null || error === undefined) return null;
  return (
    <p role="alert" className="flex items-start gap-2 rounded-lg bg-bad-soft px-3 py-2 text-[0.8125rem] text-bad">
      <Icon name="alert" className="mt-0.5" />
      <span className="raw">{sentenceOf(error)}</span>
    </p>
  );
}

interface Query<T> {
  readonly data: T | undefined;
  readonly error: unknown;
  readonly refetch: () => unknown;
}

interface QueryViewProps<T> {
  readonly query: Query<T>;
  readonly loading?: ReactNode;
  readonly children: (value: T) => ReactNode;
}

/** Chooses between the faces. Data that was loaded stays on the screen when a refetch fails; the footer tells of the connection. */
export function QueryView<T>({ query, loading, children }: QueryViewProps<T>) {
  if (query.data !== undefined && !isNotFound(query.error)) return children(query.data);
  if (query.error !== null && query.error !== undefined) return <Failed error={query.error} retry={() => void query.refetch()} />;
  return loading ?? <Loading />;
}

interface ListQuery<T> {
  readonly items: readonly T[] | undefined;
  readonly error: unknown;
  readonly refetch: () => unknown;
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly fetchNextPage: () => unknown;
}

interface ListViewProps<T> {
  readonly list: ListQuery<T>;
  readonly empty: ReactNode;
  readonly rows?: number;
  readonly children: (items: readonly T[]) => ReactNode;
}

/** The faces of a list, with a button for the next page. */
export function ListView<T>({ list, empty, rows, children }: ListViewProps<T>) {
  return (
    <QueryView query={{ data: list.items, error: list.error, refetch: list.refetch }} loading={<Loading {...(rows !== undefined && { rows })} />}>
      {(items) =>
        items.length === 0 ? (
          empty
        ) : (
          <>
            {children(items)}
            {list.hasNextPage && (
              <div className="flex justify-center border-t border-line p-3">
                <Button kind="quiet" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
                  Show more
                </Button>
              </div>
            )}
          </>
        )
      }
    </QueryView>
  );
}
