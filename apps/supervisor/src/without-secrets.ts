import { secretSettings } from '@slipway/platform';

/** An environment for a program that needs no authority: without the settings that are secrets, in either form. */
export function withoutSecrets(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string | undefined>> {
  const secrets = new Set<string>(secretSettings.flatMap((name) => [name, `${name}_FILE`]));
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secrets.has(name)));
}
