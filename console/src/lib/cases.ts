// What a case's page makes of its limits, asks and answers.

import type { Key } from './i18n.ts';
import type { Ask, CaseDetail, Limit, LocalText, Move, PrivateWords, Requirement, TimelineEntry } from './types.ts';

/** The limits that run, the one due first at the top, and those that have ended, the last of them first. */
export function limits(all: readonly Limit[] | null | undefined): { running: Limit[]; ended: Limit[] } {
  const list = all ?? [];
  return {
    running: list.filter((l) => l.state === 'running').toSorted((a, b) => Date.parse(a.due_at) - Date.parse(b.due_at)),
    ended: list.filter((l) => l.state !== 'running').toReversed(),
  };
}

/** What kind of promise a limit is, by its name: "state", "limit:closing", "task:7", "ask:3". */
export function limitWhat(l: Limit): Key {
  const what: Record<string, Key> = { state: 'limits.what.state', limit: 'limits.what.case', task: 'limits.what.task', ask: 'limits.what.ask' };
  return what[l.name.split(':')[0]!] ?? 'limits.what.case';
}

/** What the reader may do now comes first; what he may not, with its reason, after it. */
export function inOrder(moves: readonly Move[] | null | undefined): Move[] {
  return (moves ?? []).toSorted((a, b) => Number(b.allowed) - Number(a.allowed));
}

/** What a limit is for: a task's is named by its task, which has more to say than "Task". */
export function limitTitle(l: Limit, tasks: readonly { id: number; title: LocalText | string }[] | null | undefined): LocalText | string {
  const [what, n] = l.name.split(':');
  return (what === 'task' && tasks?.find((k) => k.id === Number(n))?.title) || l.title;
}

/** How a limit ended. Kept late is not kept. */
export function limitEnd(l: Limit): Key {
  if (l.state === 'withdrawn') return 'limits.withdrawn';
  if (l.late) return 'limits.late';
  return l.state === 'passed-on' ? 'limits.passed_on' : 'limits.met';
}

export const ASK_STATE: Record<string, Key> = { open: 'ask.open', granted: 'ask.granted', refused: 'ask.refused', withdrawn: 'ask.withdrawn' };

/** The questions that an answer of an ask belongs to are those of its move, where the server shows it; else the bare names. */
export function answers(ask: Ask, moves: readonly Move[] | null | undefined): { title: LocalText | string; kind: string; value: unknown }[] {
  const requires = moves?.find((m) => m.name === ask.move)?.requires ?? [];
  return Object.entries(ask.fields ?? {}).map(([field, value]) => {
    const q = requires.find((r) => r.field === field);
    return { title: q?.title ?? field, kind: q?.kind ?? guess(value), value: option(q, value) };
  });
}

function option(q: Requirement | undefined, value: unknown): unknown {
  return q?.options?.find((o) => o.id === value)?.title ?? value;
}

/** A time is kept as the API writes times. */
function guess(value: unknown): string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value) ? 'time' : 'text';
}

/**
 * The lines of a timeline that are known, once its page has come anew: what has left the page stays known. Where so much has happened
 * that the two do not meet, the page alone is.
 */
export function joined(known: readonly TimelineEntry[], page: readonly TimelineEntry[]): readonly TimelineEntry[] {
  const first = page[0]?.id;
  if (first === undefined || (known.at(-1)?.id ?? 0) < first) return page;
  return [...known.filter((e) => e.id < first), ...page];
}

/** What somebody wrote in a private case, beside the line of the timeline that it belongs to; the title has none. */
export function wordsByLine(words: readonly PrivateWords[], timeline: readonly TimelineEntry[] | null | undefined): { line: TimelineEntry | null; title: string; texts: string[] }[] {
  return words.map((w) => ({
    line: timeline?.find((e) => e.id === w.entry) ?? null,
    title: w.title ?? '',
    texts: [w.text ?? '', ...Object.values(w.fields ?? {})].filter(Boolean),
  }));
}

/** Whether a task waits for its team to take it on. */
export function unacknowledged(task: { state: string; acknowledged_at?: string | null }): boolean {
  return task.state === 'open' && !task.acknowledged_at;
}

/** Whether anything ties a case to others. */
export function tied(c: Pick<CaseDetail, 'parent' | 'merged_into' | 'parts' | 'merged'>): boolean {
  return Boolean(c.parent || c.merged_into || c.parts?.length || c.merged?.length);
}
