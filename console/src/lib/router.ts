// A small router: pages by path below /console, everything about a view in the
// query, so that a view can be sent to a colleague as a link.

import type { Level } from './types.ts';

export const PREFIX = '/console/';

export type PageName =
  | 'operations' | 'case' | 'assets' | 'asset' | 'coverage' | 'deadlines' | 'new-case' | 'new-finding' | 'new-warning' | 'warnings' | 'warning' | 'watch' | 'refused'
  | 'inbox' | 'boards' | 'board' | 'room' | 'lesson' | 'new-lesson' | 'duty' | 'handover' | 'report' | 'roster' | 'duty-rows' | 'sign-in' | 'not-found'
  | 'recipients' | 'deliveries' | 'partners' | 'skill';

export interface Route {
  page: PageName;
  id: number;
  query: URLSearchParams;
}

const PAGES: [RegExp, PageName][] = [
  [/^$/, 'operations'],
  [/^cases\/(\d+)$/, 'case'],
  [/^cases\/new$/, 'new-case'],
  [/^assets$/, 'assets'],
  [/^assets\/(\d+)$/, 'asset'],
  [/^board$/, 'boards'],
  [/^board\/(\d+)$/, 'board'],
  [/^coverage$/, 'coverage'],
  [/^inbox$/, 'inbox'],
  [/^deadlines$/, 'deadlines'],
  [/^findings\/new$/, 'new-finding'],
  [/^warnings\/new$/, 'new-warning'],
  [/^warnings$/, 'warnings'],
  [/^warnings\/(\d+)$/, 'warning'],
  [/^watch$/, 'watch'],
  [/^duty$/, 'duty'],
  [/^duty\/handovers\/(\d+)$/, 'handover'],
  [/^duty\/reports\/(\d+)$/, 'report'],
  [/^duty\/roster$/, 'roster'],
  [/^duty\/rows$/, 'duty-rows'],
  [/^watch\/refused$/, 'refused'],
  [/^rooms\/(\d+)$/, 'room'],
  [/^lessons\/new$/, 'new-lesson'],
  [/^lessons\/(\d+)$/, 'lesson'],
  [/^sign-in$/, 'sign-in'],
  [/^warnings\/recipients$/, 'recipients'],
  [/^warnings\/deliveries$/, 'deliveries'],
  [/^warnings\/partners$/, 'partners'],
  [/^warnings\/skill$/, 'skill'],
];

export function parse(url: URL): Route {
  let path = url.pathname;
  path = path.startsWith(PREFIX) ? path.slice(PREFIX.length) : '';
  path = path.replace(/\/+$/, '');
  for (const [re, page] of PAGES) {
    const m = re.exec(path);
    if (m) return { page, id: m[1] ? Number(m[1]) : 0, query: url.searchParams };
  }
  return { page: 'not-found', id: 0, query: url.searchParams };
}

export function href(path: string, query: Record<string, string | number | undefined> = {}): string {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(query)) if (v !== undefined && v !== '') q.set(k, String(v));
  const s = q.toString();
  return PREFIX + path + (s ? '?' + s : '');
}

export type Tab = 'alerts' | 'cases' | 'reports' | 'warnings';
export const TABS: readonly Tab[] = ['alerts', 'cases', 'reports', 'warnings'];
export type Kind = 'alert' | 'case' | 'report' | 'warning' | 'relayed' | 'asset';
const KINDS: readonly string[] = ['alert', 'case', 'report', 'warning', 'relayed', 'asset'];

/** What the operations desk shows: the list and the map are two views of it. */
export interface Filter {
  tab: Tab;
  /** Only what still needs work, or everything. */
  state: 'open' | 'all';
  levels: Level[];
  area: number;
  q: string;
  /** Of the alerts only those that rest, or only the others. */
  rest: '' | 'rests' | 'counts';
  selected: { kind: Kind; id: number } | null;
  /** On a narrow screen: which of the two views is in front. */
  view: 'list' | 'map';
}

const LEVELS: readonly Level[] = ['red', 'orange', 'yellow', 'blue'];

export function readFilter(q: URLSearchParams): Filter {
  const tab = q.get('tab') as Tab;
  const sel = /^([a-z]+):(\d+)$/.exec(q.get('sel') ?? '');
  return {
    tab: TABS.includes(tab) ? tab : 'alerts',
    state: q.get('state') === 'all' ? 'all' : 'open',
    levels: LEVELS.filter((l) => (q.get('levels') ?? '').split(',').includes(l)),
    area: Number(/^\d+$/.exec(q.get('area') ?? '')?.[0] ?? 0),
    q: q.get('q') ?? '',
    rest: q.get('rest') === 'rests' ? 'rests' : q.get('rest') === 'counts' ? 'counts' : '',
    selected: sel && KINDS.includes(sel[1]!) ? { kind: sel[1] as Kind, id: Number(sel[2]) } : null,
    view: q.get('view') === 'map' ? 'map' : 'list',
  };
}

/** filterHref writes only what differs from the default: short links. */
export function filterHref(f: Filter, change: Partial<Filter> = {}): string {
  const n = { ...f, ...change };
  return href('', {
    tab: n.tab === 'alerts' ? undefined : n.tab,
    state: n.state === 'open' ? undefined : n.state,
    levels: n.levels.length ? LEVELS.filter((l) => n.levels.includes(l)).join(',') : undefined,
    area: n.area || undefined,
    q: n.q || undefined,
    rest: n.rest || undefined,
    view: n.view === 'map' ? 'map' : undefined,
    sel: n.selected ? `${n.selected.kind}:${n.selected.id}` : undefined,
  });
}
