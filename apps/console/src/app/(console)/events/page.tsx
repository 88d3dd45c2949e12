import { EventList } from '@/features/events/event-list';

export const metadata = { title: 'Events' };

export default function Page() {
  return <EventList />;
}
