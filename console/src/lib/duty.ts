// The watch: what its pages ask for and how they say it. Pure, so that it can
// be tried without a page.

import type { Key, Params } from './i18n.ts';
import type { LocalText } from './types.ts';

export interface Shift {
  id: number;
  post: number;
  from: string;
  to: string;
  who: string;
}

export interface Post {
  id: number;
  organisation: number;
  organisation_name: LocalText | null;
  name: string;
  title: LocalText;
  phone: string;
  covered: boolean;
  from_register?: boolean;
  now: Shift[];
  next: Shift | null;
}

export interface PostRoster extends Post {
  shifts: Shift[];
  gaps: { from: string; to: string }[];
}

export interface Line {
  id: number;
  at: string;
  recorded_at: string;
  by: string;
  caller: 'unit' | 'resident';
  unit?: number;
  unit_name?: LocalText | string;
  where: string;
  what: string;
  harm?: string;
  case?: number;
  opened?: boolean;
  contact?: boolean;
  corrects?: number;
  corrected_by?: number;
}

export type ReportKind = 'first' | 'follow-up' | 'final';

export interface Clock {
  id: number;
  case: number;
  title: LocalText | string;
  report: ReportKind;
  how: 'phone' | 'writing';
  to: LocalText;
  source: string;
  basis: 'rule' | 'working';
  grade?: string;
  started_at: string;
  due_at: string;
  state: 'running' | 'met' | 'withdrawn';
  overdue: boolean;
  ended_at: string | null;
}

export interface Version {
  version: number;
  at: string;
  by: string;
  text: string;
  drafted: boolean;
  signed_at: string | null;
  signed_by?: string;
}

export interface Telling {
  id: number;
  version: number;
  how: 'phone' | 'fax' | 'system';
  to: string;
  /** Where it is an office of the rules. */
  to_name?: LocalText;
  clock?: number;
  at: string;
  recorded_at: string;
  recorded_late?: boolean;
  by: string;
}

export interface Upward {
  id: number;
  case: number;
  title: LocalText | string;
  report: ReportKind;
  number: number;
  at: string;
  by: string;
  versions: Version[];
  tellings: Telling[];
}

export interface UpwardPage {
  clocks: Clock[];
  reports: Upward[];
}

export interface Instruction {
  id: number;
  at: string;
  leader: string;
  text: string;
  case?: number;
  teams: { organisation: number; organisation_name: LocalText | null; post?: string; state?: string; done_at: string | null; answer?: string }[];
  due_at: string;
  overdue: boolean;
  state: 'open' | 'answered' | 'withdrawn';
  answer?: string;
}

export type ItemKind = 'report' | 'draft' | 'instruction' | 'alert' | 'warning' | 'proposal' | 'response' | 'case' | 'task' | 'request' | 'shelved' | 'gap';

/** One thing that is open, in a handover or behind a figure. */
export interface Item {
  kind: ItemKind;
  id: number;
  title: LocalText;
  state: LocalText;
  level?: string;
  case?: number;
  since?: string;
  due_at?: string;
  overdue?: boolean;
  /** Of a post that nobody mans: its gaps after the first. */
  later?: { from: string; to?: string }[];
  remark?: string;
}

export interface Handover {
  id: number;
  state: 'draft' | 'left' | 'done' | 'withdrawn';
  begun_at: string;
  begun_by: string;
  left_at: string | null;
  left_by?: string;
  left_remark?: string;
  arrived_at: string | null;
  arrived_by?: string;
  arrived_remark?: string;
  withdrawn_by?: string;
  withdrawn_why?: string;
  sha256?: string;
}

export interface HandoverPage extends Handover {
  items: Item[];
  since: Item[];
  /** What was handed over and stands otherwise by now; as it was signed, it stands in items too. */
  changed: Item[];
  seen?: string;
  may_sign?: 'leave' | 'arrive';
}

export interface Figure {
  group: string;
  line: string;
  title: LocalText;
  column: string;
  n: number;
  rows?: Item[];
}

type T = (key: Key, params?: Params) => string;

export const GRADES = ['extraordinary', 'major', 'larger', 'general'] as const;
export const GRADE_WORD: Record<string, Key> = {
  extraordinary: 'incident.extraordinary',
  major: 'incident.major',
  larger: 'incident.larger',
  general: 'incident.general',
};

export const KIND_WORD: Record<ItemKind, Key> = {
  report: 'duty.item.report',
  draft: 'duty.item.draft',
  instruction: 'duty.item.instruction',
  alert: 'duty.item.alert',
  warning: 'duty.item.warning',
  proposal: 'duty.item.proposal',
  response: 'duty.item.response',
  case: 'duty.item.case',
  task: 'duty.item.task',
  request: 'duty.item.request',
  shelved: 'duty.item.shelved',
  gap: 'duty.item.gap',
};

/** "First report by telephone". */
export function clockWord(c: Pick<Clock, 'report' | 'how'>, t: T): string {
  const words: Record<ReportKind, [Key, Key]> = {
    first: ['upward.first.phone', 'upward.first.writing'],
    'follow-up': ['upward.follow_up.phone', 'upward.follow_up.writing'],
    final: ['upward.final.phone', 'upward.final.writing'],
  };
  return t(words[c.report][c.how === 'phone' ? 0 : 1]);
}

/** "Follow-up 2": reports are numbered by kind within their case. */
export function reportWord(r: Pick<Upward, 'report' | 'number'>, t: T): string {
  if (r.report === 'first') return r.number > 1 ? t('upward.first.n', { n: r.number }) : t('upward.first');
  if (r.report === 'final') return r.number > 1 ? t('upward.final.n', { n: r.number }) : t('upward.final');
  return t('upward.follow_up.n', { n: r.number });
}

export function howWord(how: string, t: T): string {
  const known: Record<string, Key> = { phone: 'upward.how.phone', fax: 'upward.how.fax', system: 'upward.how.system' };
  return known[how] ? t(known[how]) : how;
}

/** Where a row of a handover or a figure leads. */
export function itemHref(i: Pick<Item, 'kind' | 'id' | 'case'>): string {
  if (i.kind === 'alert' || i.kind === 'shelved') return `/console/?state=all&sel=alert:${i.id}`;
  if (i.kind === 'warning') return `/console/?tab=warnings&state=all&sel=warning:${i.id}`;
  if (i.kind === 'draft') return `/console/duty/reports/${i.id}`;
  if (i.kind === 'proposal') return '/console/board';
  if (i.kind === 'response') return `/console/board/${i.id}`;
  if (i.kind === 'request') return `/console/rooms/${i.case}`;
  if (i.kind === 'gap') return '/console/duty/roster';
  if (i.case) return `/console/cases/${i.case}`;
  return '/console/duty';
}

/** Items by kind, in the order in which they came. */
export function grouped(items: readonly Item[]): [ItemKind, Item[]][] {
  const out = new Map<ItemKind, Item[]>();
  for (const i of items) out.set(i.kind, [...(out.get(i.kind) ?? []), i]);
  return [...out];
}

/** What to write into the phone log as the API takes it. Values come as the controls hold them. */
export function callBody(v: { at: Date | null; caller: string; unit: string; where: string; what: string; harm: string; open: boolean; grade: string; contact: string; asset: number; area: number; corrects: number }): Record<string, unknown> {
  const body: Record<string, unknown> = { caller: v.caller, where: v.where.trim(), what: v.what.trim() };
  if (v.at) body.at = v.at.toISOString();
  if (v.caller === 'unit') body.unit_name = v.unit.trim();
  if (v.harm.trim()) body.harm = v.harm.trim();
  if (v.asset) body.asset = v.asset;
  else if (v.area) body.area = v.area;
  if (v.corrects) body.corrects = v.corrects;
  if (v.open) {
    body.open = true;
    if (v.grade) body.grade = v.grade;
    if (v.caller === 'resident' && v.contact.trim()) body.contact = v.contact.trim();
  }
  return body;
}

/** The directory, narrowed by letters: each word must be found in the post, the unit or the number. */
export function findPhones(posts: readonly Post[], q: string): Post[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return posts.filter((p) => {
    const hay = [p.name, p.phone, p.phone.replace(/\D/g, ''), ...Object.values(p.title ?? {}), ...Object.values(p.organisation_name ?? {})].join(' ').toLowerCase();
    return words.every((w) => hay.includes(w));
  });
}

/** What the posts lack now or next: gaps of those that must be manned, the soonest first. */
export function soonestGap(p: PostRoster, now: Date): { from: string; to: string } | null {
  return p.gaps.find((g) => Date.parse(g.to) > now.getTime()) ?? null;
}

/** The numbers of the keys that a signature was refused for: "alert:120". */
export function refusedKeys(body: Record<string, unknown>): Set<string> {
  const list = Array.isArray(body.errors) ? (body.errors as { field?: string }[]) : [];
  return new Set(list.map((e) => e.field ?? '').filter(Boolean));
}

export const itemKey = (i: Pick<Item, 'kind' | 'id'>): string => `${i.kind}:${i.id}`;

/** What a signature was refused for, told apart by the page that the officer had before him: new to it, or there but changed. */
export function newsOf(refused: ReadonlySet<string>, page: Pick<HandoverPage, 'items' | 'since' | 'changed'>): Map<string, 'fresh' | 'changed'> {
  const shown = new Set([...page.items, ...page.since, ...page.changed].map(itemKey));
  return new Map([...refused].map((key) => [key, shown.has(key) ? 'changed' : 'fresh']));
}
