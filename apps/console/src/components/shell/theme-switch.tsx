'use client';

import { setTheme, type Theme, useTheme } from '@/lib/theme';
import { Icon, type IconName } from '../icon';

const next: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };
const icons: Readonly<Record<Theme, IconName>> = { system: 'system', light: 'sun', dark: 'moon' };

/** System, light, dark, in turn. */
export function ThemeSwitch() {
  const theme = useTheme();
  const label = `Theme: ${theme}. Switch to ${next[theme]}`;
  return (
    <button
      type="button"
      onClick={() => setTheme(next[theme])}
      aria-label={label}
      title={label}
      className="flex size-7 items-center justify-center rounded-md text-ink-3 hover:bg-hover hover:text-ink max-md:size-10"
    >
      <Icon name={icons[theme]} />
    </button>
  );
}
