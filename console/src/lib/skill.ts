// How good warnings were: what waits for its verdict, the figures, and the list
// behind each of them.

import type { Key } from './i18n.ts';
import type { Level, LocalText } from './types.ts';
import { LEVELS } from './scales.ts';

export interface SkillItem {
  warning?: number;
  missed?: number;
  number?: string;
  hazard: string;
  event: LocalText;
  headline: LocalText;
  level: Level;
  issued: string | null;
  ended: string | null;
  end?: string;
  began: string | null;
  lead_minutes: number | null;
  verdict: { version: number; verdict: string; began?: string | null; what?: string; by?: string; at?: string } | null;
  due: string | null;
  overdue: boolean;
}

interface Ratio {
  value: number | null;
  of: number;
}

export interface SkillFigures {
  hazard: string;
  level: Level | '';
  issued: number;
  judged: number;
  waiting: number;
  hits: number;
  partly: number;
  false: number;
  cannot_tell: number;
  missed: number;
  pod: Ratio;
  far: Ratio;
  csi: Ratio;
  lead: { n: number; late: number; median_minutes: number | null; tenth_minutes: number | null };
}

export interface Skill {
  from: string;
  to: string;
  overdue: number;
  figures: SkillFigures[];
}

export const COUNTS = ['issued', 'judged', 'waiting', 'hits', 'partly', 'false', 'cannot-tell', 'missed', 'lead', 'late'] as const;
export type Count = (typeof COUNTS)[number];
export const COUNT_WORD: Record<Count, Key> = {
  issued: 'skill.count.issued',
  judged: 'skill.count.judged',
  waiting: 'skill.count.waiting',
  hits: 'skill.count.hits',
  partly: 'skill.count.partly',
  false: 'skill.count.false',
  'cannot-tell': 'skill.count.cannot_tell',
  missed: 'skill.count.missed',
  lead: 'skill.count.lead',
  late: 'skill.count.late',
};
const VERDICT_WORD: Record<string, Key> = { happened: 'skill.verdict.happened', partly: 'skill.verdict.partly', 'did-not': 'skill.verdict.did_not', 'cannot-tell': 'skill.verdict.cannot_tell' };
export const verdictWord = (v: string | undefined): Key | null => VERDICT_WORD[v ?? ''] ?? null;

/** The columns of the table, each a count that leads to its list. */
export const COLUMNS: readonly Count[] = ['issued', 'waiting', 'hits', 'partly', 'false', 'missed', 'cannot-tell'];

export function countOf(f: SkillFigures, c: Count): number {
  return c === 'lead' ? f.lead.n : c === 'late' ? f.lead.late : c === 'cannot-tell' ? f.cannot_tell : f[c];
}

export const SPANS = ['month', 'quarter', 'year', 'five'] as const;
export type Span = (typeof SPANS)[number];
export const SPAN_WORD: Record<Span, Key> = { month: 'skill.span.month', quarter: 'skill.span.quarter', year: 'skill.span.year', five: 'skill.span.five' };
const DAYS: Record<Span, number> = { month: 30, quarter: 91, year: 365, five: 5 * 365 };

export interface SkillView {
  span: Span;
  figure: Count | '';
  hazard: string;
  level: Level | '';
}

export function readSkill(q: URLSearchParams): SkillView {
  const pick = <T extends string>(k: string, of: readonly T[]) => of.find((x) => x === q.get(k));
  return { span: pick('span', SPANS) ?? 'year', figure: pick('figure', COUNTS) ?? '', hazard: q.get('hazard') ?? '', level: pick('level', LEVELS) ?? '' };
}

/** The query of the server; whole minutes, so that the figures and the list behind them are of one time. */
export function spanQuery(s: Span, now: Date): { from: string; to: string } {
  const to = Math.ceil(now.getTime() / 60_000) * 60_000;
  return { from: new Date(to - DAYS[s] * 86_400_000).toISOString(), to: new Date(to).toISOString() };
}

/** What waits longest stands first: its verdict is overdue before the others'. */
export function byDue(a: SkillItem, b: SkillItem): number {
  return Number(b.overdue) - Number(a.overdue) || Date.parse(a.due ?? '') - Date.parse(b.due ?? '') || (a.warning ?? 0) - (b.warning ?? 0);
}

/** A hazard's own line, then its levels; all hazards together first. */
export interface Group {
  hazard: string;
  all: SkillFigures;
  levels: SkillFigures[];
}

export function groups(figures: readonly SkillFigures[]): Group[] {
  const order = (f: SkillFigures) => LEVELS.indexOf(f.level as Level);
  return figures
    .filter((f) => f.level === '')
    .map((all) => ({ hazard: all.hazard, all, levels: figures.filter((f) => f.hazard === all.hazard && f.level !== '').sort((a, b) => order(a) - order(b)) }))
    .sort((a, b) => Number(a.hazard !== '') - Number(b.hazard !== '') || a.hazard.localeCompare(b.hazard));
}
