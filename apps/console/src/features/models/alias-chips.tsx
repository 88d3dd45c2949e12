import { Raw } from '@/components/text';

interface AliasChipsProps {
  readonly aliases: readonly { readonly name: string; readonly version: number }[];
  /** Only those of this version, without its number. */
  readonly version?: number;
}

/** Movable names for versions. */
export function AliasChips({ aliases, version }: AliasChipsProps) {
  const shown = version === undefined ? aliases : aliases.filter((alias) => alias.version === version);
  if (shown.length === 0) return <span className="text-ink-3">–</span>;
  return (
    <span className="flex flex-wrap gap-1">
      {shown.map((alias) => (
        <span
          key={alias.name}
          className="inline-flex h-[1.375rem] items-center gap-1 rounded-md border border-line-strong px-1.5 text-xs whitespace-nowrap [&_.raw]:[overflow-wrap:normal]"
        >
          <Raw max={32}>{alias.name}</Raw>
          {version === undefined && <span className="text-ink-3">v{alias.version}</span>}
        </span>
      ))}
    </span>
  );
}
