'use client';

import type { VersionView } from '@slipway/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Button } from '@/components/button';
import { ConfirmDialog } from '@/components/confirm-dialog';
import { callVoid, path } from '@/lib/api/api.client';

/** Puts a version away, or takes it out again. */
export function ArchiveButton({ version }: { readonly version: VersionView }) {
  const client = useQueryClient();
  const [asking, setAsking] = useState(false);
  const isArchived = version.archivedAt !== null;
  const verb = isArchived ? 'unarchive' : 'archive';
  const label = isArchived ? 'Take out of the archive' : 'Archive';
  return (
    <>
      <Button kind="quiet" onClick={() => setAsking(true)}>
        {label}
      </Button>
      {asking && (
        <ConfirmDialog
          title={isArchived ? `Take v${version.version} out of the archive` : `Archive v${version.version}`}
          action={label}
          act={async () => {
            await callVoid(`${path`/v1/models/${version.model}/versions/${version.version}/`}${verb}`, { method: 'POST', body: {} });
            await client.invalidateQueries({ queryKey: ['models'] });
          }}
          onClose={() => setAsking(false)}
        >
          {isArchived
            ? 'It is listed again and may be deployed.'
            : 'It is not listed any more, and cannot be deployed or get an alias. Its files and its history stay.'}
        </ConfirmDialog>
      )}
    </>
  );
}
