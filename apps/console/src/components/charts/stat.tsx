import type { ReactNode } from 'react';

/** One figure with its name and what it was measured over. */
export function Stat({ name, value, note }: { readonly name: string; readonly value: ReactNode; readonly note?: ReactNode }) {
  return (
    <div className="min-w-0 px-4 py-3">
      <dt className="text-xs text-ink-3">{name}</dt>
      <dd className="mt-0.5 text-lg leading-6 font-semibold tracking-[-0.01em]">{value}</dd>
      {note && <dd className="text-xs text-ink-3">{note}</dd>}
    </div>
  );
}

/** Figures side by side. */
export function StatRow({ children }: { readonly children: ReactNode }) {
  return (
    <dl className="card mb-4 grid grid-cols-2 divide-line overflow-hidden sm:grid-cols-3 lg:auto-cols-fr lg:grid-flow-col lg:grid-cols-none lg:divide-x">
      {children}
    </dl>
  );
}
