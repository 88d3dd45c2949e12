export interface ActorParts {
  readonly who: string;
  /** By what way: `key`, `console`, `system`, or nothing. */
  readonly how: string;
}

/** Takes an actor of the event log apart: `key:ci`, `session:key:ci`, `system:rollouts`. */
export function readActor(name: string): ActorParts {
  const parts = name.split(':');
  const who = parts.at(-1) ?? '';
  const [kind = ''] = parts;
  if (parts.length < 2 || who === '') return { who: name, how: '' };
  return { who, how: kind === 'session' ? 'console' : kind };
}
