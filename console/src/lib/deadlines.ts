// How limits were kept: the API's answers, the filter that the address holds,
// and the words of what a limit can be.

import { BASE } from './api.ts';
import type { Key } from './i18n.ts';
import { href } from './router.ts';
import type { Lang, LocalText } from './types.ts';

/** In the order in which they are shown; each limit is exactly one of them. */
export const STATUSES = ['on-time', 'late', 'within', 'past', 'passed-on', 'withdrawn'] as const;
export type Status = (typeof STATUSES)[number];

export interface DeadlineFigures {
  rows: number;
  on_time: number;
  late: number;
  within: number;
  past: number;
  passed_on: number;
  withdrawn: number;
  late_passed_on: number;
  withdrawn_past: number;
  extensions: number;
  extended: number;
  after_first: number;
  on_time_share?: number;
  late_median_s?: number;
  late_90_s?: number;
}

export interface DeadlineGroup {
  title: LocalText;
  filter: Record<string, string>;
  figures: DeadlineFigures;
  private_cases: number;
}

export interface DeadlineReport {
  from: string | null;
  to: string | null;
  at: string;
  by: By;
  total: DeadlineFigures;
  groups: DeadlineGroup[];
  names: Record<string, LocalText>;
  private_cases: number;
}

export interface DeadlineRow {
  id: number;
  case: number;
  what: string;
  title: LocalText;
  kind: string;
  kind_title: LocalText;
  organisation: number;
  organisation_name: LocalText;
  post?: string;
  area: number;
  area_name: LocalText;
  first_due_at: string;
  due_at: string;
  extensions: number;
  ended_at: string | null;
  status: Status;
  late_s: number;
}

export const BYS = ['organisation', 'post', 'category', 'area', 'kind', 'what'] as const;
export type By = (typeof BYS)[number];

export const BY_WORD: Record<By, Key> = {
  organisation: 'deadlines.by.organisation',
  post: 'deadlines.by.post',
  category: 'deadlines.by.category',
  area: 'deadlines.by.area',
  kind: 'deadlines.by.kind',
  what: 'deadlines.by.what',
};

export const STATUS_WORD: Record<Status, Key> = {
  'on-time': 'deadlines.on_time',
  late: 'deadlines.late',
  within: 'deadlines.within',
  past: 'deadlines.past',
  'passed-on': 'deadlines.passed_on',
  withdrawn: 'deadlines.withdrawn',
};

export const FIGURE: Record<Status, keyof DeadlineFigures> = { 'on-time': 'on_time', late: 'late', within: 'within', past: 'past', 'passed-on': 'passed_on', withdrawn: 'withdrawn' };

/** What narrows the report, beside its span: those that are shown as chips. */
export const NARROWS = ['organisation', 'post', 'category', 'kind', 'what', 'area'] as const;
const KEYS = ['by', 'from', 'to', ...NARROWS, 'only', 'status', 'list'] as const;
export type DeadlineFilter = Partial<Record<(typeof KEYS)[number], string>>;

/** The filter of an address. Words that the report does not know are dropped, so that a link of tomorrow still opens. */
export function readDeadlines(q: URLSearchParams): DeadlineFilter {
  const f: DeadlineFilter = {};
  for (const k of KEYS) {
    const v = q.get(k);
    if (!v) continue;
    if (k === 'by' && (!(BYS as readonly string[]).includes(v) || v === 'organisation')) continue;
    if (k === 'status' && !(STATUSES as readonly string[]).includes(v)) continue;
    if ((k === 'from' || k === 'to') && !/^(-|\d{4}-\d\d-\d\d)$/.test(v)) continue;
    if ((k === 'organisation' || k === 'area') && !/^\d+$/.test(v)) continue;
    f[k] = v;
  }
  if (!f.organisation) delete f.post;
  if (!f.area) delete f.only;
  if (!f.list) delete f.status;
  return f;
}

export function deadlinesHref(f: DeadlineFilter, change: DeadlineFilter = {}): string {
  const next = readDeadlines(new URLSearchParams(Object.entries({ ...f, ...change }).filter(([, v]) => v) as [string, string][]));
  return href('deadlines', next);
}

/** The list of limits behind a figure of a group; a status that is left out means all of them. */
export function listHref(f: DeadlineFilter, group: Record<string, string> = {}, status?: Status): string {
  return deadlinesHref(f, { ...(group.area ? { only: '' } : {}), ...group, status: status ?? '', list: '1' });
}

/** A filter as the API takes it. */
export function deadlinesQuery(f: DeadlineFilter): Record<string, string> {
  const { list: _, ...rest } = f;
  return rest as Record<string, string>;
}

export function sheetURL(f: DeadlineFilter, lang: Lang): string {
  return `${BASE}/deadlines/export?${new URLSearchParams({ ...deadlinesQuery(f), lang })}`;
}

/** Where each status begins and ends in a bar of a width, its parts as long as their numbers. */
export function segments(f: DeadlineFigures, width: number): { status: Status; n: number; from: number; length: number }[] {
  let from = 0;
  return STATUSES.flatMap((status) => {
    const n = f[FIGURE[status]] ?? 0;
    if (!n || !f.rows) return [];
    const length = (width * n) / f.rows;
    const s = { status, n, from, length };
    from += length;
    return [s];
  });
}

/** A day as a person writes it: "2026-11-30", also "2026/11/3" and "2026年11月3日". Empty is no day; null is none that there is. */
export function readDay(text: string): string | null {
  if (!text.trim()) return '';
  const m = /^\s*(\d{4})\s*[-/.年]\s*(\d\d?)\s*[-/.月]\s*(\d\d?)\s*日?\s*$/.exec(text);
  if (!m) return null;
  const at = new Date(Date.UTC(+m[1]!, +m[2]! - 1, +m[3]!));
  if (at.getUTCMonth() !== +m[2]! - 1 || at.getUTCDate() !== +m[3]!) return null;
  return at.toISOString().slice(0, 10);
}

/** "97.3 %"; a share of nothing has no figure. */
export function percent(share: number | undefined): string {
  return share === undefined ? '' : `${(100 * share).toFixed(1)} %`;
}
