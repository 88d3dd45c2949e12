import { Rules } from '@/features/alerts/rules';

export const metadata = { title: 'Alert rules' };

export default function Page() {
  return <Rules />;
}
