import type { IconName } from '../icon';

export interface Place {
  readonly href: string;
  readonly label: string;
  readonly icon: IconName;
  readonly keys?: string;
  /** Further beginnings of addresses that belong here. */
  readonly covers?: readonly string[];
}

export const places: readonly Place[] = [
  { href: '/', label: 'Overview', icon: 'overview', keys: 'g o', covers: ['/deployments', '/predictions', '/replays'] },
  { href: '/models', label: 'Models', icon: 'model', keys: 'g m' },
  { href: '/alerts', label: 'Alerts', icon: 'bell', keys: 'g a' },
  { href: '/batch-predictions', label: 'Batch predictions', icon: 'table', keys: 'g b' },
  { href: '/events', label: 'Events', icon: 'list', keys: 'g e' },
  { href: '/history', label: 'History', icon: 'clock', keys: 'g t' },
  { href: '/hosts', label: 'Hosts', icon: 'host', keys: 'g h' },
  { href: '/settings/rollouts', label: 'Rollout plans', icon: 'deploy', keys: 'g p' },
  { href: '/settings/quotas', label: 'Quotas', icon: 'table', keys: 'g q' },
  { href: '/settings/keys', label: 'API keys', icon: 'key', keys: 'g k' },
];

/** Whether an address lies in a place. */
export function isIn(place: Place, pathname: string): boolean {
  const starts = [place.href, ...(place.covers ?? [])];
  return starts.some((start) => (start === '/' ? pathname === '/' : pathname === start || pathname.startsWith(`${start}/`)));
}
