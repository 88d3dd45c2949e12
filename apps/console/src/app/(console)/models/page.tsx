import { ModelList } from '@/features/models/model-list';

export const metadata = { title: 'Models' };

export default function Page() {
  return <ModelList />;
}
