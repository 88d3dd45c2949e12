import { Inbox } from '@/features/alerts/inbox';

export const metadata = { title: 'Alerts' };

export default function Page() {
  return <Inbox />;
}
