const paths = {
  overview: 'M3 3h4v6H3zM9 3h4v3H9zM9 8h4v5H9zM3 11h4v2H3z',
  model: 'M8 1.8 13.5 5v6L8 14.2 2.5 11V5zM2.5 5 8 8.2 13.5 5M8 8.2v6',
  bell: 'M8 2a3.8 3.8 0 0 0-3.8 3.8c0 3.4-1.4 4.4-1.4 4.9h10.4c0-.5-1.4-1.5-1.4-4.9A3.8 3.8 0 0 0 8 2zM6.6 13a1.5 1.5 0 0 0 2.8 0',
  list: 'M5.5 4H13M5.5 8H13M5.5 12H13M2.6 4h.1M2.6 8h.1M2.6 12h.1',
  host: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1',
  key: 'M9.8 9.3a3.3 3.3 0 1 0-3.1-3.1L2.5 10.4v3h3v-1.7h1.7V10h1.4zM10.6 5.4h.1',
  search: 'M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.4 10.4l3.1 3.1',
  check: 'M3.2 8.4 6.4 11.6 12.8 4.8',
  'check-circle': 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.4 8.2l1.9 1.9 3.4-3.9',
  alert: 'M8 2.2 14.3 13H1.7zM8 6.4v3M8 11.2h.1',
  'x-circle': 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6 6l4 4M10 6l-4 4',
  clock: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.2 1.6',
  pause: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.5 6v4M9.5 6v4',
  progress: 'M8 2a6 6 0 1 0 6 6',
  dash: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.5 8h5',
  x: 'M4 4l8 8M12 4l-8 8',
  back: 'M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M3 6.5l3-3M3 6.5l3 3',
  deploy: 'M8 10.5V2.8M4.8 6 8 2.8 11.2 6M2.8 10.5v2.7h10.4v-2.7',
  upload: 'M8 10.5V2.8M4.8 6 8 2.8 11.2 6M2.8 13.2h10.4',
  download: 'M8 2.8v7.7M4.8 7.3 8 10.5l3.2-3.2M2.8 13.2h10.4',
  plus: 'M8 3v10M3 8h10',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  flame: 'M8.3 1.8c.4 2.6 4 3.9 4 7.6a4.3 4.3 0 0 1-8.6 0c0-1.6.8-2.7 1.7-3.5.2 1 .8 1.6 1.4 1.8-.2-2.2.2-4.3 1.5-5.9z',
  right: 'M6 3.5 10.5 8 6 12.5',
  down: 'M3.5 6 8 10.5 12.5 6',
  arrow: 'M2.5 8h10.6M9.3 4.2 13.1 8l-3.8 3.8',
  sun: 'M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M3.4 12.6l.9-.9M11.7 4.3l.9-.9',
  moon: 'M13.2 9.4A5.6 5.6 0 0 1 6.6 2.8a5.6 5.6 0 1 0 6.6 6.6z',
  system: 'M2.5 3h11v7.5h-11zM6 13.2h4M8 10.5v2.7',
  help: 'M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.3 6.3a1.7 1.7 0 1 1 2.4 1.6c-.5.3-.7.6-.7 1.2M8 11.2h.1',
  more: 'M3.5 8h.1M8 8h.1M12.5 8h.1',
  out: 'M6.5 2.8H3v10.4h3.5M7 8h6.3M10.6 5.2 13.3 8l-2.7 2.8',
  trash: 'M2.8 4.5h10.4M6.3 4.5V2.8h3.4v1.7M4.2 4.5l.6 8.7h6.4l.6-8.7M6.7 7v3.6M9.3 7v3.6',
  table: 'M2.5 3h11v10h-11zM2.5 6.4h11M2.5 9.7h11M6.2 3v10',
  mail: 'M2 3.5h12v9H2zM2 4.2l6 4.6 6-4.6',
  hook: 'M6.3 9.6 4 13.2h7.8M9.9 9.3h2A2.6 2.6 0 1 1 11 13.6M7.2 5.2l2 4.1M5.5 6.7a2.6 2.6 0 1 1 4.6-1.6',
  send: 'M14 2 7.2 8.8M14 2 9.6 14l-2.4-5.2L2 6.4z',
  play: 'M4.5 3 12.5 8l-8 5z',
  bolt: 'M9 1.8 3.5 9h4L7 14.2 12.5 7h-4z',
} as const;

export type IconName = keyof typeof paths;

/** A decorative line icon; what it means always stands beside it in words or in the control's label. */
export function Icon({ name, size = 16, className = '' }: { readonly name: IconName; readonly size?: number; readonly className?: string }) {
  const round = name === 'more' ? 2.2 : 1.5;
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={round}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      className={`shrink-0 ${className}`}
    >
      <path d={paths[name]} />
    </svg>
  );
}

/** The mark: a hull on its slipway. */
export function SlipwayMark({ size = 24 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true" className="shrink-0">
      <path d="M6.5 8.5h19l-2.6 7.4a3.4 3.4 0 0 1-3.2 2.3h-7.4a3.4 3.4 0 0 1-3.2-2.3z" fill="currentColor" />
      <path d="M4.5 25.4 27.5 20.2" stroke="var(--accent)" strokeWidth="3" strokeLinecap="round" />
    </svg>
  );
}
