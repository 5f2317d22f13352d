// The pages in the header: those of the daily work stand in the bar, the rest
// in a menu of groups. On a narrow screen all of them are in the menu.

import type { PageName, Route } from './router.ts';
import type { Key } from './i18n.ts';

export interface PageLink {
  /** Which link it is; more pages than one may lie behind it. */
  id: string;
  path: string;
  query?: Record<string, string>;
  text: Key;
}

export const DAILY: readonly PageLink[] = [
  { id: 'operations', path: '', text: 'nav.operations' },
  { id: 'inbox', path: 'inbox', text: 'nav.inbox' },
  { id: 'duty', path: 'duty', text: 'nav.duty' },
  { id: 'boards', path: 'board', text: 'nav.boards' },
  { id: 'warnings', path: 'warnings', text: 'nav.warnings' },
  { id: 'cases', path: '', query: { tab: 'cases' }, text: 'nav.cases' },
];

export const GROUPS: readonly { id: string; title: Key; links: readonly PageLink[] }[] = [
  {
    id: 'begin',
    title: 'nav.group.begin',
    links: [
      { id: 'new-case', path: 'cases/new', text: 'nav.new_case' },
      { id: 'new-finding', path: 'findings/new', text: 'nav.new_finding' },
      { id: 'new-warning', path: 'warnings/new', text: 'nav.new_warning' },
    ],
  },
  {
    id: 'city',
    title: 'nav.group.city',
    links: [
      { id: 'assets', path: 'assets', text: 'nav.assets' },
      { id: 'coverage', path: 'coverage', text: 'nav.coverage' },
      { id: 'roster', path: 'duty/roster', text: 'nav.roster' },
    ],
  },
  {
    id: 'warn',
    title: 'nav.group.warn',
    links: [
      { id: 'recipients', path: 'warnings/recipients', text: 'nav.recipients' },
      { id: 'deliveries', path: 'warnings/deliveries', text: 'nav.deliveries' },
      { id: 'partners', path: 'warnings/partners', text: 'nav.partners' },
      { id: 'skill', path: 'warnings/skill', text: 'nav.skill' },
    ],
  },
  {
    id: 'account',
    title: 'nav.group.account',
    links: [
      { id: 'deadlines', path: 'deadlines', text: 'nav.deadlines' },
      { id: 'watch', path: 'watch', text: 'nav.watch' },
    ],
  },
];

const BEHIND: Partial<Record<PageName, string>> = {
  asset: 'assets',
  board: 'boards',
  handover: 'duty',
  report: 'duty',
  'duty-rows': 'duty',
  case: 'cases',
  room: 'cases',
  lesson: 'cases',
  'new-lesson': 'cases',
  refused: 'watch',
  warning: 'warnings',
};

/** The link that the open page stands behind. */
export function current(route: Route): string {
  if (route.page === 'operations') return route.query.get('tab') === 'cases' ? 'cases' : 'operations';
  return BEHIND[route.page] ?? route.page;
}

/** Whether the open page is one of the menu's. */
export function inMenu(id: string): boolean {
  return GROUPS.some((g) => g.links.some((l) => l.id === id));
}

/** Where an arrow key goes in a list of n; null: not one of its keys. From -1 down is the first, up the last. */
export function step(key: string, at: number, n: number): number | null {
  if (n === 0) return null;
  switch (key) {
    case 'ArrowDown':
      return (at + 1) % n;
    case 'ArrowUp':
      return at <= 0 ? n - 1 : at - 1;
    case 'Home':
      return 0;
    case 'End':
      return n - 1;
    default:
      return null;
  }
}

/** What a badge shows: nothing for none, and no more than two digits. */
export function badge(n: number): string {
  return n <= 0 ? '' : n > 99 ? '99+' : String(n);
}
