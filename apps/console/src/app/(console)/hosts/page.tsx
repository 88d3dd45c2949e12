import { Hosts } from '@/features/hosts/hosts';

export const metadata = { title: 'Hosts' };

export default function Page() {
  return <Hosts />;
}
