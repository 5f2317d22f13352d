// Light, dark, or whatever the system is set to. The root's data-theme always
// says which of the two it is, so that CSS and the map need not know of three.

import type { Theme } from './prefs.ts';

export type Shade = 'light' | 'dark';

const system = matchMedia('(prefers-color-scheme: dark)');

export function shade(theme: Theme): Shade {
  return theme === 'auto' ? (system.matches ? 'dark' : 'light') : theme;
}

/** Keeps the page in that theme until the returned function is called. */
export function apply(theme: Theme, changed: (s: Shade) => void): () => void {
  const set = () => {
    const s = shade(theme);
    document.documentElement.dataset.theme = s;
    changed(s);
  };
  set();
  system.addEventListener('change', set);
  return () => system.removeEventListener('change', set);
}
