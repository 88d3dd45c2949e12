import { Keys } from '@/features/keys/keys';

export const metadata = { title: 'API keys' };

export default function Page() {
  return <Keys />;
}
