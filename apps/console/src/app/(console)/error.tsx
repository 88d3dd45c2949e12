'use client';

import { Failed } from '@/components/faces';

export default function ErrorPage({ error, reset }: { readonly error: Error; readonly reset: () => void }) {
  // After an update the files of the old page are gone; only a fresh page helps.
  const isOutdated = error.name === 'ChunkLoadError';
  const shown = isOutdated ? new Error('The console was updated while this page was open. Load it afresh.') : error;
  return (
    <div className="card">
      <Failed error={shown} retry={isOutdated ? () => window.location.reload() : reset} />
    </div>
  );
}
