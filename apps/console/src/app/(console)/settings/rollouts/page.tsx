import { RolloutSettings } from '@/features/plans/rollout-settings';

export const metadata = { title: 'Rollout plans' };

export default function Page() {
  return <RolloutSettings />;
}
