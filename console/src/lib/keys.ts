// Shortcuts of one letter. Each can be switched off (WCAG 2.1.4), none works
// while something is being typed or a dialog is open.

import type { Key } from './i18n.ts';

export type Command = 'next' | 'previous' | 'open' | 'acknowledge' | 'assign' | 'map' | 'search' | 'phones' | 'help';

export const COMMANDS: readonly { command: Command; key: string; text: Key }[] = [
  { command: 'next', key: 'j', text: 'keys.next' },
  { command: 'previous', key: 'k', text: 'keys.previous' },
  { command: 'open', key: 'Enter', text: 'keys.open' },
  { command: 'acknowledge', key: 'a', text: 'keys.acknowledge' },
  { command: 'assign', key: 'e', text: 'keys.assign' },
  { command: 'map', key: 'm', text: 'keys.map' },
  { command: 'search', key: '/', text: 'keys.search' },
  { command: 'phones', key: 'd', text: 'keys.phones' },
  { command: 'help', key: '?', text: 'keys.help' },
];

export interface Press {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  isComposing?: boolean;
  /** What has the focus, if anything: tag name in lower case. */
  on: { tag: string; editable: boolean } | null;
  dialogOpen: boolean;
}

export function command(p: Press, off: readonly string[]): Command | null {
  if (p.ctrlKey || p.metaKey || p.altKey || p.isComposing || p.dialogOpen) return null;
  if (p.on && (p.on.editable || ['input', 'textarea', 'select'].includes(p.on.tag))) return null;
  // Enter belongs to whatever has the focus; ours is only for "nothing has".
  if (p.key === 'Enter' && p.on && p.on.tag !== 'body') return null;
  const c = COMMANDS.find((c) => c.key === p.key);
  return c && !off.includes(c.command) ? c.command : null;
}
