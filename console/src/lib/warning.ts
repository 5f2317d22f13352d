// Warnings as the desk works with them: what waits for an officer and in which
// order, what a message does to the one before, what a draft holds and which of
// its fields the officer has written. Pure; the pages show what comes out.

import type { Key } from './i18n.ts';
import { matches } from './geo.ts';
import { byLevel } from './scales.ts';
import { fromLocalInput, toLocalInput } from './time.ts';
import type { Lang, Level, LocalText, Warning, WarningArea, WarningMessage, WarningStatus } from './types.ts';

/** What alerts suggest to warn of, to change or to end, as the API gives it. The program never warns by itself. */
export interface Suggestion {
  id: number;
  kind: 'issue' | 'upgrade' | 'downgrade' | 'all-clear';
  hazard: string;
  event?: LocalText | null;
  level: Level;
  text: string;
  areas: WarningArea[];
  around?: (Around & { name?: LocalText })[] | null;
  /** Why: the leading one first. */
  alerts: { alert: number; title: LocalText; level: Level; asset: LocalText; place?: LocalText; because: LocalText; since: string; stands: boolean }[];
  /** The warning in force that it is about. */
  warning?: number;
  at: string;
  /** Filled from the text; none of an all-clear. */
  draft?: (FilledText & { status?: WarningStatus }) | null;
}

/** The change that a suggestion asks for. */
export const SUGGESTED: Readonly<Record<Suggestion['kind'], Change>> = { issue: 'issue', upgrade: 'upgrade', downgrade: 'downgrade', 'all-clear': 'all-clear' };

/** What a partner's message says in one language, in its issuer's words. */
export interface ReceivedText {
  event: string;
  issuer?: string;
  headline?: string;
  description?: string;
  instruction?: string;
  web?: string;
}

/** A warning of a partner, as it came: never changed here. */
export interface Received {
  id: number;
  partner?: number;
  /** Joined from the partners, which have the titles. */
  partner_title?: LocalText | null;
  identifier: string;
  hazard?: string;
  level?: Level | '' | null;
  texts: Record<string, ReceivedText>;
  places?: { name: string; rings?: [number, number][][] | null; touches?: number[] | null }[] | null;
  sent: string;
  onset?: string | null;
  expires?: string | null;
  status?: WarningStatus;
}

/** Its text in the reader's language, else in whichever came. */
export function receivedText(r: Received, lang: Lang): ReceivedText {
  return r.texts[lang] ?? r.texts.en ?? r.texts['zh-CN'] ?? Object.values(r.texts)[0] ?? { event: '' };
}

export interface Drawn {
  name?: LocalText;
  ring: [number, number][];
}
export interface Around {
  asset: number;
  metres: number;
}

/** The parts of the list, in the order in which they wait for an officer. */
export const SECTIONS = ['waits', 'suggested', 'force', 'partner', 'verdict', 'over'] as const;
export type Section = (typeof SECTIONS)[number];

/** A row of the list. Its id is one among the three kinds. */
export interface Entry {
  id: number;
  kind: 'warning' | 'suggestion' | 'received';
  section: Section;
  level: Level | null;
  at: string;
  warning?: Warning;
  suggestion?: Suggestion;
  received?: Received;
}

/** A verdict is owed for what was real and in force; an exercise has none. */
export function owesVerdict(w: Warning): boolean {
  return (w.state === 'cancelled' || w.state === 'expired') && !!w.sent && w.end_kind !== 'withdrawn' && (w.status ?? 'Actual') === 'Actual' && w.verdict === null;
}

export function sectionOf(w: Warning): Section {
  if (w.state === 'proposed' || w.state === 'draft') return 'waits';
  if (w.state === 'issued') return 'force';
  return owesVerdict(w) ? 'verdict' : 'over';
}

export const ofWarning = (w: Warning): Entry => ({ id: w.id * 4, kind: 'warning', section: sectionOf(w), level: w.level, at: w.ended_at ?? w.sent ?? w.onset ?? '', warning: w });
export const ofSuggestion = (s: Suggestion): Entry => ({ id: s.id * 4 + 1, kind: 'suggestion', section: 'suggested', level: s.level, at: s.at, suggestion: s });
export const ofReceived = (r: Received): Entry => ({ id: r.id * 4 + 2, kind: 'received', section: 'partner', level: r.level || null, at: r.sent, received: r });

/** In a part: an update that waits first, then by level, then the newest; what has ended, by when alone. */
export function compareEntries(a: Entry, b: Entry): number {
  const part = SECTIONS.indexOf(a.section) - SECTIONS.indexOf(b.section);
  if (part) return part;
  const newer = (Date.parse(b.at) || 0) - (Date.parse(a.at) || 0);
  if (a.section === 'over' || a.section === 'verdict') return newer;
  return Number(!!b.warning?.pending) - Number(!!a.warning?.pending) || byLevel(a.level, b.level) || newer;
}

/** What the list shows: everything about its view is in the address. */
export interface WarningFilter {
  levels: Level[];
  q: string;
  /** Whether exercises and tests are shown, too; only them; or none. */
  status: '' | 'actual' | 'drill';
  /** Only one part of the list. */
  part: Section | '';
}
const LEVELS: readonly Level[] = ['red', 'orange', 'yellow', 'blue'];

export function readWarningFilter(q: URLSearchParams): WarningFilter {
  const part = q.get('part') as Section;
  const status = q.get('status');
  return {
    levels: LEVELS.filter((l) => (q.get('levels') ?? '').split(',').includes(l)),
    q: q.get('q') ?? '',
    status: status === 'actual' || status === 'drill' ? status : '',
    part: SECTIONS.includes(part) ? part : '',
  };
}

export function warningQuery(f: WarningFilter): Record<string, string | undefined> {
  return { part: f.part || undefined, levels: f.levels.join(',') || undefined, status: f.status || undefined, q: f.q || undefined };
}

export const drill = (s: WarningStatus | undefined): boolean => !!s && s !== 'Actual';

/** All words of an entry, in both languages: an officer may look for either. */
export function wordsOf(e: Entry): string {
  const both = (v: LocalText | string | null | undefined) => (!v ? '' : typeof v === 'string' ? v : Object.values(v).join(' '));
  const r = e.received;
  if (r) return [...Object.values(r.texts).flatMap((x) => [x.event, x.issuer ?? '', x.headline ?? '']), ...(r.places ?? []).map((p) => p.name), both(r.partner_title), r.identifier].join(' ');
  const x = e.warning ?? e.suggestion;
  if (!x) return '';
  const why = e.suggestion?.alerts.flatMap((a) => [both(a.title), both(a.asset), both(a.because)]) ?? [];
  return [both(x.event), both(e.warning?.headline ?? e.suggestion?.draft?.headline), ...x.areas.map((a) => both(a.name)), e.warning?.number ?? '', x.hazard, ...why].join(' ');
}

export function passes(e: Entry, f: WarningFilter): boolean {
  if (f.part && e.section !== f.part) return false;
  if (f.levels.length && !(e.level && f.levels.includes(e.level))) return false;
  const isDrill = drill(e.warning?.status ?? e.received?.status);
  if (f.status && isDrill !== (f.status === 'drill')) return false;
  return !f.q || matches(wordsOf(e), f.q);
}

/** What a message does: 发布, 更新, 升级, 降级, 撤销, 解除, 到期. */
export type Change = 'issue' | 'update' | 'upgrade' | 'downgrade' | 'cancel' | 'all-clear' | 'expiry' | 'withdrawn';
export const CHANGE_WORD: Readonly<Record<Change, Key>> = {
  issue: 'warning.change.issue',
  update: 'warning.change.update',
  upgrade: 'warning.change.upgrade',
  downgrade: 'warning.change.downgrade',
  cancel: 'warning.change.cancel',
  'all-clear': 'warning.change.allclear',
  expiry: 'warning.change.expiry',
  withdrawn: 'warning.change.withdrawn',
};

/** From one level to another. */
export function levelChange(from: Level, to: Level): 'update' | 'upgrade' | 'downgrade' {
  const d = byLevel(to, from);
  return d < 0 ? 'upgrade' : d > 0 ? 'downgrade' : 'update';
}

/** Null when the server says something that this page has no word for: it is shown as it came. */
export function changeOf(m: WarningMessage): Change | null {
  const said = m.change || m.kind;
  if (said === 'alert' || said === 'issue' || said === 'issued') return 'issue';
  if (said === 'expired') return 'expiry';
  return said in CHANGE_WORD ? (said as Change) : null;
}

/** What is written of a warning, in both languages. */
export const WORDS = ['headline', 'description', 'instruction'] as const;
export type Word = (typeof WORDS)[number];
export const LANGUAGES = ['zh-CN', 'en'] as const;
export type WordField = `${Word}.${Lang}`;
/** What a pack's text fills in, and an officer may change. */
export type Filled = WordField | 'expires';
export const FILLED: readonly Filled[] = [...LANGUAGES.flatMap((l) => WORDS.map((w): WordField => `${w}.${l}`)), 'expires'];

export type Words = Record<Word, Record<Lang, string>>;

/** A warning that is being written. It is kept as JSON while it is. */
export interface Draft {
  level: Level | '';
  hazard: string;
  text: string;
  areas: number[];
  drawn: Drawn[];
  around: Around[];
  words: Words;
  /** As it stands in the field, in the city's time. */
  expires: string;
  status: WarningStatus;
  alert: number;
  suggestion: number;
  /** What the officer has written: no text takes its place. */
  touched: Filled[];
}

const none = (): Record<Lang, string> => ({ en: '', 'zh-CN': '' });
export const noWords = (): Words => ({ headline: none(), description: none(), instruction: none() });

export function newDraft(now: Date, zone: string): Draft {
  return { level: '', hazard: '', text: '', areas: [], drawn: [], around: [], words: noWords(), expires: toLocalInput(new Date(now.getTime() + 6 * 3_600_000), zone), status: 'Actual', alert: 0, suggestion: 0, touched: [] };
}

export function split(f: WordField): [Word, Lang] {
  const at = f.indexOf('.');
  return [f.slice(0, at) as Word, f.slice(at + 1) as Lang];
}

export function valueOf(d: Draft, f: Filled): string {
  if (f === 'expires') return d.expires;
  const [w, l] = split(f);
  return d.words[w][l];
}

/** What a pack's text comes to, filled by the server. */
export interface FilledText extends Partial<Record<Word, LocalText | null>> {
  expires?: string | null;
}

/** fill takes the server's text into every field that the officer has not changed; `anew` lists those that he gives up. */
export function fill(d: Draft, p: FilledText, zone: string, anew: readonly Filled[] = []): Draft {
  const touched = d.touched.filter((f) => !anew.includes(f));
  const words = Object.fromEntries(WORDS.map((w) => [w, { ...d.words[w] }])) as Words;
  for (const w of WORDS) {
    for (const l of LANGUAGES) {
      const text = p[w]?.[l];
      if (text !== undefined && text !== null && !touched.includes(`${w}.${l}`)) words[w][l] = text;
    }
  }
  const until = p.expires ? new Date(p.expires) : null;
  const expires = until && until.getTime() > 0 && !touched.includes('expires') ? toLocalInput(until, zone) : d.expires;
  return { ...d, words, expires, touched };
}

/** A blank that nothing has filled; the public must never read it. */
export function blank(text: string): string {
  return /\{\{[^{}]*\}\}?|\{\{/.exec(text)?.[0] ?? '';
}

/** The proposal as the API takes it; null while its end is no time. */
export function proposal(d: Draft, zone: string): Record<string, unknown> | null {
  const until = fromLocalInput(d.expires, zone);
  if (!until) return null;
  return {
    level: d.level,
    hazard: d.hazard,
    ...place(d),
    ...(Object.fromEntries(WORDS.map((w) => [w, trimmed(d.words[w])])) as Record<Word, Record<Lang, string>>),
    expires: until.toISOString(),
    ...(d.status !== 'Actual' ? { status: d.status } : {}),
    ...(d.suggestion ? { suggestion: d.suggestion } : {}),
  };
}

/** Where it holds, as every request says it. */
export function place(d: Pick<Draft, 'areas' | 'drawn' | 'around'>): { areas: number[]; drawn?: Drawn[]; around?: Around[] } {
  const drawn = d.drawn.filter((x) => x.ring.length >= 3).map(({ name, ring }) => ({ ...(name?.en?.trim() || name?.['zh-CN']?.trim() ? { name } : {}), ring }));
  return { areas: d.areas, ...(drawn.length ? { drawn } : {}), ...(d.around.length ? { around: d.around } : {}) };
}

export const nowhere = (d: Pick<Draft, 'areas' | 'drawn' | 'around'>): boolean => {
  const p = place(d);
  return !p.areas.length && !p.drawn && !p.around;
};

function trimmed(t: Record<Lang, string>): Record<Lang, string> {
  return { en: t.en.trim(), 'zh-CN': t['zh-CN'].trim() };
}

/** A draft of what would follow a warning in force: all of it is the officers' own already. */
export function following(w: Warning, now: Date, zone: string): Draft {
  const d = newDraft(now, zone);
  const from = w.pending ?? w;
  return {
    ...d,
    level: from.level,
    hazard: w.hazard,
    areas: from.areas.filter((a) => a.id).map((a) => a.id),
    drawn: from.areas.filter((a) => !a.id).flatMap((a) => (a.rings ?? []).map((ring) => ({ ...(typeof a.name === 'object' ? { name: a.name } : {}), ring: open(ring) }))),
    words: Object.fromEntries(WORDS.map((k) => [k, { ...none(), ...(from[k] ?? {}) }])) as Words,
    expires: from.expires ? toLocalInput(new Date(from.expires), zone) : d.expires,
    alert: w.alerts?.[0] ?? 0,
    status: w.status ?? 'Actual',
    touched: [...FILLED],
  };
}

/** A ring without the point that closes it. */
export function open(ring: [number, number][]): [number, number][] {
  const [a, b] = [ring[0], ring.at(-1)];
  return a && b && ring.length > 1 && a[0] === b[0] && a[1] === b[1] ? ring.slice(0, -1) : [...ring];
}

export type Differs = 'level' | 'areas' | Filled;

/** What a draft changes of the warning that is in force. */
export function differences(w: Warning, d: Draft, zone: string): Differs[] {
  const was = following({ ...w, pending: null }, new Date(0), zone);
  const out: Differs[] = [];
  if (was.level !== d.level) out.push('level');
  const ids = (x: Draft) => JSON.stringify([[...x.areas].sort((a, b) => a - b), place(x).drawn?.map((r) => r.ring) ?? [], x.around]);
  if (ids(was) !== ids(d)) out.push('areas');
  for (const f of FILLED) if (valueOf(was, f).trim() !== valueOf(d, f).trim()) out.push(f);
  return out;
}

/** Texts that are written for a level come first in question; without a level, all. */
export interface PackText {
  id: string;
  title: LocalText;
  levels?: Level[] | null;
}
export function textFor(texts: readonly PackText[], chosen: string, level: Level | ''): string {
  const fits = (x: PackText) => !level || !x.levels?.length || x.levels.includes(level);
  const now = texts.find((x) => x.id === chosen);
  if (now && fits(now)) return now.id;
  return texts.find(fits)?.id ?? '';
}

/** The most that CAP's readers show of a headline. */
export const MAX_HEADLINE = 160;
/** As people count: an emoji or a rare character is one. */
export const length = (s: string): number => [...s.trim()].length;

/** What is kept of a draft while its page is away, under whose name. */
export function draftKey(q: URLSearchParams): string {
  for (const k of ['suggestion', 'update', 'alert']) if (/^\d+$/.test(q.get(k) ?? '')) return `anlan.warning.${k}.${q.get(k)}`;
  return 'anlan.warning.new';
}

/** A draft from what was kept; null for what is none, such as one of an older page. */
export function readDraft(text: string | null, fresh: Draft): Draft | null {
  if (!text) return null;
  try {
    const d = JSON.parse(text) as Draft;
    const ok = d && typeof d === 'object' && Array.isArray(d.areas) && Array.isArray(d.drawn) && Array.isArray(d.around) && Array.isArray(d.touched) && WORDS.every((w) => LANGUAGES.every((l) => typeof d.words?.[w]?.[l] === 'string'));
    return ok ? { ...fresh, ...d } : null;
  } catch {
    return null;
  }
}
