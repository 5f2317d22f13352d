// Other services whose warnings are taken in, and what they sent.

import type { Key } from './i18n.ts';
import type { Lang, Level, LocalText } from './types.ts';

export const SERVICES = ['weather', 'marine', 'seismology', 'other'] as const;
export type Service = (typeof SERVICES)[number];
export const SERVICE_WORD: Record<Service, Key> = { weather: 'partners.service.weather', marine: 'partners.service.marine', seismology: 'partners.service.seismology', other: 'partners.service.other' };

export interface Partner {
  id: number;
  title: LocalText;
  url: string;
  service: Service;
  every?: number;
  trust?: 'transport' | 'signed';
  pinned?: string;
  covers?: 'city' | 'wider';
  events?: Record<string, string> | null;
  hosts?: string[] | null;
  active?: boolean;
  added_at: string;
  next_at: string;
  last_ok_at: string | null;
  last_error?: string;
  failures: number;
  unread: boolean;
  messages: number;
  in_force: number;
  unplaced: number;
  elsewhere: number;
  refused: number;
  unfetched: number;
}

/** How reading a partner goes. */
export type Health = 'off' | 'unread' | 'failing' | 'new' | 'well';
export const HEALTH_WORD: Record<Health, Key> = { off: 'partners.health.off', unread: 'partners.health.unread', failing: 'partners.health.failing', new: 'partners.health.new', well: 'partners.health.well' };

export function health(p: Pick<Partner, 'active' | 'unread' | 'failures' | 'last_ok_at'>): Health {
  if (p.active === false) return 'off';
  if (p.unread) return 'unread';
  if (p.failures > 0) return 'failing';
  return p.last_ok_at ? 'well' : 'new';
}

/** What nobody should rely on stands first, what is switched off last. */
const BY_HEALTH: Health[] = ['unread', 'failing', 'new', 'well', 'off'];
export function byHealth(a: Partner, b: Partner): number {
  return BY_HEALTH.indexOf(health(a)) - BY_HEALTH.indexOf(health(b)) || a.id - b.id;
}

export interface PartnerDraft {
  en: string;
  zh: string;
  url: string;
  service: Service;
  every: string;
  trust: 'transport' | 'signed';
  pinned: string;
  covers: 'city' | 'wider';
  events: { word: string; hazard: string }[];
  hosts: string;
}

export function partnerDraft(p: Partner | null): PartnerDraft {
  return {
    en: p?.title.en ?? '',
    zh: p?.title['zh-CN'] ?? '',
    url: p?.url ?? '',
    service: p?.service ?? 'weather',
    every: String(p?.every ?? 60),
    trust: p?.trust ?? 'transport',
    pinned: p?.pinned ?? '',
    covers: p?.covers ?? 'wider',
    events: Object.entries(p?.events ?? {}).map(([word, hazard]) => ({ word, hazard })),
    hosts: (p?.hosts ?? []).join('\n'),
  };
}

/** All of it for a new one, only what is different for one that is there: a change has the whole feed read anew. */
export function partnerBody(d: PartnerDraft, before: Partner | null): Record<string, unknown> {
  const body: Record<string, unknown> = {
    title: { en: d.en.trim(), 'zh-CN': d.zh.trim() },
    url: d.url.trim(),
    service: d.service,
    every: Number(d.every),
    trust: d.trust,
    pinned: d.pinned.trim(),
    covers: d.covers,
    events: Object.fromEntries(d.events.filter((e) => e.word.trim() && e.hazard).map((e) => [e.word.trim(), e.hazard])),
    hosts: d.hosts.split(/[\s,，]+/).filter(Boolean),
  };
  if (!before) {
    if (!body.pinned) delete body.pinned;
    return body;
  }
  const was = partnerBody(partnerDraft(before), null);
  for (const k of Object.keys(body)) if (JSON.stringify(was[k] ?? '') === JSON.stringify(body[k])) delete body[k];
  return body;
}

export interface ReceivedText {
  event: string;
  issuer?: string;
  headline?: string;
  description?: string;
  instruction?: string;
  web?: string;
  contact?: string;
}

export interface ReceivedProblem {
  grade: 'note' | 'doubt' | 'wrong';
  rule: string;
  path?: string;
  line?: number;
  message: string;
}

export interface Received {
  id: number;
  partner: number;
  sender: string;
  identifier: string;
  sent: string;
  msg_type: string;
  status: string;
  scope: string;
  verdict: 'accept' | 'warn' | 'reject';
  problems: ReceivedProblem[] | null;
  signed_by?: string;
  received_at: string;
  hazard?: string;
  level?: Level | '';
  texts: Record<string, ReceivedText> | null;
  places: { name: string; rings: [number, number][][] | null; touches: number[] | null }[] | null;
  placement: 'placed' | 'city' | 'unplaced' | 'elsewhere' | '';
  onset: string;
  expires: string;
  replaced_by?: number;
  ended_at: string | null;
  end_kind?: string;
  unlisted_at: string | null;
  in_force: boolean;
  document?: string;
}

export const VERDICT_OF: Record<Received['verdict'], Key> = { accept: 'partners.verdict.accept', warn: 'partners.verdict.warn', reject: 'partners.verdict.reject' };
export const GRADE_WORD: Record<ReceivedProblem['grade'], Key> = { note: 'partners.grade.note', doubt: 'partners.grade.doubt', wrong: 'partners.grade.wrong' };
const TYPE_WORD: Record<string, Key> = { Alert: 'partners.type.alert', Update: 'partners.type.update', Cancel: 'partners.type.cancel', Ack: 'partners.type.ack', Error: 'partners.type.error' };
const STATUS_WORD: Record<string, Key> = { Actual: 'partners.status.actual', Exercise: 'partners.status.exercise', System: 'partners.status.system', Test: 'partners.status.test', Draft: 'partners.status.draft' };
const END_WORD: Record<string, Key> = {
  update: 'partners.end.update',
  cancel: 'partners.end.cancel',
  'all-clear': 'partners.end.all_clear',
  expired: 'partners.end.expired',
  removed: 'partners.end.removed',
  distrusted: 'partners.end.distrusted',
};
const PLACEMENT_WORD: Record<string, Key> = { placed: 'partners.placement.placed', city: 'partners.placement.city', unplaced: 'partners.placement.unplaced', elsewhere: 'partners.placement.elsewhere' };

export const typeWord = (v: string): Key | null => TYPE_WORD[v] ?? null;
export const statusWord = (v: string): Key | null => STATUS_WORD[v] ?? null;
export const endWord = (v: string | undefined): Key | null => END_WORD[v ?? ''] ?? null;
export const placementWord = (v: string): Key | null => PLACEMENT_WORD[v] ?? null;

/** The issuer's words in the reader's language, else in whichever there are; nothing is translated. */
export function words(r: Pick<Received, 'texts'>, lang: Lang): { lang: string; text: ReceivedText } | null {
  const all = Object.entries(r.texts ?? {});
  const of = (want: string) => all.find(([l]) => l.toLowerCase().split('-')[0] === want);
  const found = all.find(([l]) => l === lang) ?? of(lang.split('-')[0]!) ?? of('en') ?? all[0];
  return found ? { lang: found[0], text: found[1] } : null;
}

/** What one calls a message in a list. */
export function headline(r: Pick<Received, 'texts' | 'identifier'>, lang: Lang): string {
  const w = words(r, lang)?.text;
  return w?.headline || w?.event || r.identifier;
}

/** What is in force first, then the newest. */
export function byForce(a: Received, b: Received): number {
  return Number(b.in_force) - Number(a.in_force) || b.id - a.id;
}

/** Two listings of the same thing, each message once. */
export function together(...lists: readonly (readonly Received[])[]): Received[] {
  return [...new Map(lists.flat().map((r) => [r.id, r])).values()].sort(byForce);
}

export interface ReceivedFilter {
  partner: number;
  show: 'all' | 'force' | 'refused' | 'unplaced';
  sel: number;
}
export const SHOWS: readonly ReceivedFilter['show'][] = ['all', 'force', 'refused', 'unplaced'];

export function readReceived(q: URLSearchParams): ReceivedFilter {
  const number = (k: string) => Number(/^\d+$/.exec(q.get(k) ?? '')?.[0] ?? 0);
  const show = q.get('show') as ReceivedFilter['show'];
  return { partner: number('partner'), show: SHOWS.includes(show) ? show : 'all', sel: number('sel') };
}

export function passes(r: Received, show: ReceivedFilter['show']): boolean {
  switch (show) {
    case 'force':
      return r.in_force;
    case 'refused':
      return r.verdict === 'reject';
    case 'unplaced':
      return r.verdict !== 'reject' && r.placement === 'unplaced';
    default:
      return true;
  }
}
