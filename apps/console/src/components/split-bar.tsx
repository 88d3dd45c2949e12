interface SplitBarProps {
  readonly split: readonly { readonly revision: number; readonly version: number; readonly weightPercent: number }[];
}

/** Which versions get how much of the traffic. */
export function SplitBar({ split }: SplitBarProps) {
  const [only] = split;
  if (only === undefined) return <span className="text-ink-3">nothing yet</span>;
  if (split.length === 1) return <span className="font-medium">v{only.version}</span>;
  return (
    <span className="flex min-w-28 flex-col gap-1">
      <span className="flex h-1.5 gap-px overflow-hidden rounded-full" aria-hidden="true">
        {split.map((each, index) => (
          <span key={each.revision} style={{ width: `${each.weightPercent}%`, background: `var(--chart-${(index % 6) + 1})` }} />
        ))}
      </span>
      <span className="text-xs">{split.map((each) => `v${each.version} ${each.weightPercent} %`).join(' · ')}</span>
    </span>
  );
}
