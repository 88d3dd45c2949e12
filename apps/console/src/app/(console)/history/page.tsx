import { HistoryView } from '@/features/history/history-view';

export const metadata = { title: 'History' };

export default function Page() {
  return <HistoryView />;
}
