'use client';

import { SessionView } from '@slipway/contracts';
import { useRouter, useSearchParams } from 'next/navigation';
import { type FormEvent, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { Button } from '@/components/button';
import { Problem } from '@/components/faces';
import { Field } from '@/components/field';
import { SlipwayMark } from '@/components/icon';
import { call } from '@/lib/api/api.client';

/** Exchanges the one-time link's token by itself, or takes an API key. */
export function SignIn() {
  const router = useRouter();
  const params = useSearchParams();
  const token = params.get('token');
  const next = safeNext(params.get('next'));
  const isAlive = useIsAlive();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const spent = useRef(false);

  const signIn = async (credential: { readonly token: string } | { readonly key: string }) => {
    setBusy(true);
    setError(undefined);
    try {
      await call(SessionView, '/v1/session', { method: 'POST', body: credential });
      router.replace(next);
    } catch (caught) {
      setError(caught);
      setBusy(false);
    }
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: a token is good for one exchange; it must be sent once, whatever renders.
  useEffect(() => {
    if (token === null || spent.current) return;
    spent.current = true;
    // A spent token has no business in the history of the browser.
    window.history.replaceState(null, '', '/sign-in');
    void signIn({ token });
  }, [token]);

  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    void signIn({ key: String(new FormData(event.currentTarget).get('password') ?? '').trim() });
  };
  const exchanging = token !== null && error === undefined;
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-[24rem] flex-col justify-center gap-6 px-5 py-10">
      <div className="flex items-center gap-3">
        <SlipwayMark size={36} />
        <div>
          <h1 className="text-xl font-semibold tracking-[-0.012em]">Sign in to Slipway</h1>
          <p className="text-[0.8125rem] text-ink-2">Models in production, and a watch on them.</p>
        </div>
      </div>
      {exchanging ? (
        <p role="status" className="card p-5 text-[0.8125rem] text-ink-2">
          Signing you in with the one-time link…
        </p>
      ) : (
        <form method="post" onSubmit={submit} className="card flex flex-col gap-4 p-5">
          <Field label="API key" hint="Printed when Slipway starts; the sign-in link it prints beside works without a key.">
            {(props) => (
              <input
                {...props}
                type="password"
                name="password"
                className="control font-mono"
                autoComplete="current-password"
                required
                minLength={16}
              />
            )}
          </Field>
          <Problem error={error} />
          <Button kind="primary" type="submit" busy={busy} disabled={!isAlive} className="w-full !min-h-9">
            Sign in
          </Button>
        </form>
      )}
      <p className="text-xs text-ink-3">
        No key at hand? Restart with <code className="font-mono">npm start</code>; each start prints a fresh one-time link.
      </p>
    </main>
  );
}

/** Only an address of this console; anything else could lead a person who just signed in elsewhere. */
function safeNext(next: string | null): string {
  return next?.startsWith('/') && !next.startsWith('//') && !next.includes('\\') ? next : '/';
}

/** False until the script runs: a form sent by the browser itself would carry the key to where it does not belong. */
function useIsAlive(): boolean {
  return useSyncExternalStore(
    () => () => undefined,
    () => true,
    () => false,
  );
}
