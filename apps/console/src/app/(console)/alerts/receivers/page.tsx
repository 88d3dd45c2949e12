import { Receivers } from '@/features/alerts/receivers';

export const metadata = { title: 'Receivers' };

export default function Page() {
  return <Receivers />;
}
