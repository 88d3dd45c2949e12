import { Overview } from '@/features/overview/overview';

export const metadata = { title: 'Overview' };

export default function Page() {
  return <Overview />;
}
