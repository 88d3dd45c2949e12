import Link from 'next/link';
import type { ButtonHTMLAttributes, ReactNode } from 'react';
import { Icon, type IconName } from './icon';

type Kind = 'primary' | 'plain' | 'quiet' | 'danger';

const looks: Readonly<Record<Kind, string>> = {
  primary: 'bg-solid text-solid-ink hover:bg-solid-hover border-transparent',
  plain: 'bg-surface text-ink border-line-strong hover:bg-hover',
  quiet: 'text-ink-2 border-transparent hover:bg-hover hover:text-ink',
  danger: 'bg-bad-solid text-white border-transparent hover:opacity-90',
};

const base =
  'inline-flex min-h-8 items-center justify-center gap-1.5 rounded-lg border px-3 py-1 text-[0.8125rem] font-medium whitespace-nowrap select-none disabled:opacity-55 disabled:pointer-events-none max-md:min-h-10';

interface Look {
  readonly kind?: Kind;
  readonly icon?: IconName;
  readonly children?: ReactNode;
}

export function Button({
  kind = 'plain',
  icon,
  children,
  className = '',
  busy = false,
  ...rest
}: Look & { readonly busy?: boolean } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button type="button" className={`${base} ${looks[kind]} ${className}`} {...rest} disabled={busy || rest.disabled} aria-busy={busy || undefined}>
      {busy ? <Icon name="progress" className="animate-spin" /> : icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

export function ButtonLink({ kind = 'plain', icon, children, className = '', href }: Look & { readonly href: string; readonly className?: string }) {
  return (
    <Link href={href} className={`${base} ${looks[kind]} ${className}`}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  );
}

/** A square button that shows an icon; the label is read out and shown as a hint. */
export function IconButton({
  icon,
  label,
  className = '',
  ...rest
}: { readonly icon: IconName; readonly label: string } & ButtonHTMLAttributes<HTMLButtonElement>) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      className={`inline-flex size-8 items-center justify-center rounded-lg text-ink-2 hover:bg-hover hover:text-ink disabled:opacity-50 max-md:size-10 ${className}`}
      {...rest}
    >
      <Icon name={icon} />
    </button>
  );
}
