import Link from 'next/link';
import { type ReactNode, useId } from 'react';

interface PanelProps {
  readonly title: ReactNode;
  readonly note?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
  readonly className?: string;
}

/** A titled box. */
export function Panel({ title, note, actions, children, className = '' }: PanelProps) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={`card min-w-0 ${className}`}>
      <header className="flex min-h-12 flex-wrap items-center justify-between gap-x-4 gap-y-1 border-b border-line px-4 py-2">
        <div className="flex flex-wrap items-baseline gap-x-2">
          <h2 id={id} className="text-[0.8125rem] font-semibold">
            {title}
          </h2>
          {note && <span className="text-xs text-ink-3">{note}</span>}
        </div>
        {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </header>
      {children}
    </section>
  );
}

interface PageHeaderProps {
  readonly title: ReactNode;
  readonly above?: readonly { readonly href: string; readonly label: string }[];
  readonly beside?: ReactNode;
  readonly below?: ReactNode;
  readonly actions?: ReactNode;
}

/** The top of a page: where we are, its name, what can be done. */
export function PageHeader({ title, above = [], beside, below, actions }: PageHeaderProps) {
  return (
    <header className="mb-5 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        {above.length > 0 && (
          <nav aria-label="Breadcrumb" className="mb-0.5">
            <ol className="flex flex-wrap items-center gap-1.5 text-xs text-ink-3">
              {above.map((step) => (
                <li key={step.href} className="flex items-center gap-1.5">
                  <Link href={step.href} className="inline-flex min-h-6 items-center hover:text-ink hover:underline">
                    {step.label}
                  </Link>
                  <span aria-hidden="true">/</span>
                </li>
              ))}
            </ol>
          </nav>
        )}
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <h1 className="raw text-xl leading-7 font-semibold tracking-[-0.012em]">{title}</h1>
          {beside}
        </div>
        {below && <div className="mt-1 text-[0.8125rem] text-ink-2">{below}</div>}
      </div>
      {actions && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
    </header>
  );
}

/** Names and values. */
export function Facts({ items }: { readonly items: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="grid grid-cols-[minmax(6rem,auto)_1fr] gap-x-6 gap-y-2 p-4 text-[0.8125rem]">
      {items.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-ink-3">{name}</dt>
          <dd className="min-w-0">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
