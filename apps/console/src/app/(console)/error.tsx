'use client';

import { Failed } from '@/components/faces';

export default function ErrorPage({ error, reset }: { readonly error: Error; readonly reset: () => void }) {
  return (
    <div className="card">
      <Failed error={error} retry={reset} />
    </div>
  );
}
