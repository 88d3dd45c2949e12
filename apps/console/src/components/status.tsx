import { Icon, type IconName } from './icon';

export type Tone = 'ok' | 'warn' | 'bad' | 'info' | 'idle';

const looks: Readonly<Record<Tone, string>> = {
  ok: 'text-ok bg-ok-soft',
  warn: 'text-warn bg-warn-soft',
  bad: 'text-bad bg-bad-soft',
  info: 'text-info bg-info-soft',
  idle: 'text-ink-2 bg-sunken',
};
const icons: Readonly<Record<Tone, IconName>> = { ok: 'check-circle', warn: 'alert', bad: 'x-circle', info: 'progress', idle: 'dash' };

interface StatusLook {
  readonly tone: Tone;
  readonly word: string;
  readonly icon?: IconName;
}

/** How each status of the contract looks: word, tone and shape, never colour alone. */
const statuses: Readonly<Record<string, StatusLook>> = {
  CREATING: { tone: 'info', word: 'Creating' },
  READY: { tone: 'ok', word: 'Ready' },
  DEGRADED: { tone: 'warn', word: 'Degraded' },
  UNAVAILABLE: { tone: 'bad', word: 'Unavailable' },
  SUSPENDED: { tone: 'idle', word: 'Paused', icon: 'pause' },
  DELETING: { tone: 'idle', word: 'Deleting' },
  UPLOADING: { tone: 'info', word: 'Uploading' },
  VALIDATING: { tone: 'info', word: 'Validating' },
  REJECTED: { tone: 'bad', word: 'Rejected' },
  ASSIGNED: { tone: 'info', word: 'Assigned' },
  LOADING: { tone: 'info', word: 'Loading' },
  DRAINING: { tone: 'idle', word: 'Draining' },
  GONE: { tone: 'idle', word: 'Gone' },
  FAILED: { tone: 'bad', word: 'Failed' },
  PROGRESSING: { tone: 'info', word: 'Rolling out' },
  PAUSED: { tone: 'idle', word: 'Paused', icon: 'pause' },
  HELD: { tone: 'warn', word: 'Held' },
  QUEUED: { tone: 'idle', word: 'Queued', icon: 'clock' },
  RUNNING: { tone: 'info', word: 'Running' },
  COMPLETED: { tone: 'ok', word: 'Completed' },
  COMPLETED_WITH_ERRORS: { tone: 'warn', word: 'Completed with errors' },
  CANCELLED: { tone: 'idle', word: 'Cancelled' },
  ABORTED: { tone: 'bad', word: 'Aborted' },
  inactive: { tone: 'ok', word: 'Quiet' },
  pending: { tone: 'warn', word: 'Pending', icon: 'clock' },
  firing: { tone: 'bad', word: 'Firing', icon: 'flame' },
  resolved: { tone: 'ok', word: 'Resolved' },
  PENDING: { tone: 'info', word: 'Waiting', icon: 'clock' },
  DELIVERED: { tone: 'ok', word: 'Delivered' },
  DEAD: { tone: 'bad', word: 'Given up' },
  page: { tone: 'bad', word: 'Page', icon: 'bell' },
  ticket: { tone: 'warn', word: 'Ticket', icon: 'list' },
  info: { tone: 'idle', word: 'Info' },
};

export function Status({ value, title }: { readonly value: string; readonly title?: string | undefined }) {
  const look = statuses[value] ?? { tone: 'idle', word: value };
  return (
    <Badge tone={look.tone} icon={look.icon ?? icons[look.tone]} title={title}>
      {look.word}
    </Badge>
  );
}

interface BadgeProps {
  readonly tone: Tone;
  readonly icon?: IconName | undefined;
  readonly title?: string | undefined;
  readonly children: React.ReactNode;
}

export function Badge({ tone, icon, title, children }: BadgeProps) {
  return (
    <span
      title={title}
      className={`inline-flex h-[1.375rem] items-center gap-1 rounded-full px-2 text-xs font-medium whitespace-nowrap ${looks[tone]}`}
    >
      {icon && <Icon name={icon} size={13} className={icon === 'progress' ? 'animate-spin [animation-duration:1.4s]' : ''} />}
      {children}
    </span>
  );
}
