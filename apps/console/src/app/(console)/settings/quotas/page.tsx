import { Quotas } from '@/features/quotas/quotas';

export const metadata = { title: 'Quotas' };

export default function Page() {
  return <Quotas />;
}
