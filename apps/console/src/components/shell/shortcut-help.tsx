'use client';

import { setShortcutsEnabled, useShortcutsEnabled } from '@/lib/use-shortcut';
import { Dialog } from '../dialog';
import { Kbd } from '../text';
import { places } from './navigation';

const general = [
  { keys: '/', what: 'Search' },
  { keys: '?', what: 'This help' },
  { keys: 'Esc', what: 'Close' },
  { keys: 'r', what: 'Roll back (on a deployment)' },
  { keys: 'd', what: 'Deploy a version (on a deployment)' },
] as const;

/** All shortcuts, and the switch that turns them off. */
export function ShortcutHelp({ onClose }: { readonly onClose: () => void }) {
  const enabled = useShortcutsEnabled();
  return (
    <Dialog title="Keyboard" onClose={onClose} width="26rem">
      <ul className="flex flex-col gap-2">
        {[...general, ...places.flatMap((place) => (place.keys === undefined ? [] : [{ keys: place.keys, what: place.label }]))].map((each) => (
          <li key={each.keys} className="flex items-center justify-between">
            <span>{each.what}</span>
            <span className="flex gap-1">
              {each.keys.split(' ').map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </span>
          </li>
        ))}
      </ul>
      <label className="mt-4 flex min-h-8 items-center gap-2 border-t border-line pt-3 text-[0.8125rem]">
        <input
          type="checkbox"
          className="size-4 accent-(--accent)"
          checked={enabled}
          onChange={(event) => setShortcutsEnabled(event.target.checked)}
        />
        Single-key shortcuts are on
      </label>
    </Dialog>
  );
}
