'use client';

import { useQueryClient } from '@tanstack/react-query';
import { useRouter } from 'next/navigation';
import { useSession } from '@/lib/api/access';
import { callVoid } from '@/lib/api/api.client';
import { readActor } from '@/lib/text/read-actor';
import { IconButton } from '../button';
import { Raw } from '../text';

/** Who is signed in, to which project, and the way out. */
export function Account() {
  const session = useSession();
  const client = useQueryClient();
  const router = useRouter();
  const signOut = async () => {
    await callVoid('/v1/session', { method: 'DELETE' }).catch(() => undefined);
    client.clear();
    router.replace('/sign-in');
  };
  return (
    <div className="flex items-center justify-between gap-2 pl-2">
      <div className="min-w-0 text-xs leading-4">
        <p className="truncate font-medium">
          <Raw max={40}>{session.data === undefined ? '…' : readActor(session.data.actor).who}</Raw>
        </p>
        <p className="truncate text-ink-3">
          project <Raw max={40}>{session.data?.project ?? '…'}</Raw>
        </p>
      </div>
      <IconButton icon="out" label="Sign out" onClick={() => void signOut()} className="!size-7 text-ink-3 max-md:!size-10" />
    </div>
  );
}
