// What one reader prefers, kept in this browser only.

import { LANGS, preferredLang } from './i18n.ts';
import type { Lang } from './types.ts';
import { COMMANDS } from './keys.ts';

export type Theme = 'auto' | 'light' | 'dark';
export const THEMES: readonly Theme[] = ['auto', 'light', 'dark'];

export interface Prefs {
  lang: Lang;
  theme: Theme;
  /** Shortcuts that are switched off. */
  off: string[];
  sound: boolean;
}

/** public/theme.js reads the same key before the first paint. */
export const STORE_KEY = 'anlan.prefs';

/** read takes whatever stands in the store, also what another version wrote. */
export function read(stored: string | null, wishes: readonly string[]): Prefs {
  let v: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(stored ?? '{}');
    if (parsed && typeof parsed === 'object') v = parsed as Record<string, unknown>;
  } catch {
    // Broken: as if there were none.
  }
  const known: string[] = COMMANDS.map((c) => c.command);
  return {
    lang: LANGS.includes(v.lang as Lang) ? (v.lang as Lang) : preferredLang(wishes),
    theme: THEMES.includes(v.theme as Theme) ? (v.theme as Theme) : 'auto',
    off: Array.isArray(v.off) ? v.off.filter((c): c is string => known.includes(c)) : [],
    sound: v.sound === true,
  };
}
