'use client';

import { PageHeader } from '@/components/panel';
import { FreezeWindows } from './freeze-windows';
import { RolloutPlans } from './rollout-plans';

/** How deploys of this project may go, and when they may not. */
export function RolloutSettings() {
  return (
    <>
      <PageHeader title="Rollout plans" below="Plans that deploys refer to by name, and times in which no rollout moves forward." />
      <div className="flex flex-col gap-4">
        <RolloutPlans />
        <FreezeWindows />
      </div>
    </>
  );
}
