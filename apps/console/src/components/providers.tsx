'use client';

import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { usePathname, useRouter } from 'next/navigation';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { ApiError } from '@/lib/api/api-error';
import { LiveProvider } from '@/lib/live/live-provider';
import { NoticeProvider } from './notices';

const tries = 2;

/** The query cache, the live connection and the notices. An ended session leads to the sign-in page and back. */
export function Providers({ children }: { readonly children: ReactNode }) {
  const leave = useLeave();
  const [client] = useState(() => {
    const onError = (error: unknown) => {
      if (error instanceof ApiError && error.status === 401) leave.current();
    };
    return new QueryClient({
      queryCache: new QueryCache({ onError }),
      mutationCache: new MutationCache({ onError }),
      defaultOptions: {
        queries: { retry: shouldRetry, staleTime: 2_000, refetchOnWindowFocus: true, networkMode: 'always' },
        mutations: { networkMode: 'always' },
      },
    });
  });
  return (
    <QueryClientProvider client={client}>
      <LiveProvider>
        <NoticeProvider>{children}</NoticeProvider>
      </LiveProvider>
    </QueryClientProvider>
  );
}

function shouldRetry(failures: number, error: unknown): boolean {
  const final = error instanceof ApiError && error.status >= 400 && error.status < 500;
  return !final && failures < tries;
}

function useLeave() {
  const router = useRouter();
  const pathname = usePathname();
  const leave = useRef<() => void>(() => undefined);
  useEffect(() => {
    leave.current = () => router.replace(`/sign-in?next=${encodeURIComponent(pathname)}`);
  });
  return leave;
}
