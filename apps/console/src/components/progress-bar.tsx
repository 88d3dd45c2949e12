interface ProgressBarProps {
  /** What progresses, read out. */
  readonly label: string;
  /** 0 to 1. */
  readonly share: number;
  readonly className?: string;
}

/** How far something is. */
export function ProgressBar({ label, share, className = '' }: ProgressBarProps) {
  const percent = Math.floor(share * 100);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
      className={`h-2 overflow-hidden rounded-full bg-sunken ${className}`}
    >
      <div className="h-full rounded-full bg-accent" style={{ width: `${percent}%` }} />
    </div>
  );
}

/** An upload: how much of the file has been sent. */
export function UploadProgress({ share, size }: { readonly share: number; readonly size: string }) {
  return (
    <div className="flex flex-col gap-2 py-6">
      <div className="flex justify-between text-[0.8125rem]">
        <span>{share < 1 ? 'Uploading' : 'Writing to the store'}</span>
        <span>
          {Math.floor(share * 100)} % of {size}
        </span>
      </div>
      <ProgressBar label="Upload" share={share} />
    </div>
  );
}
