// What a post has to look at: its tasks and its notices, as one list that does
// not move under the hand.

import type { News } from './app.svelte.ts';
import { href, filterHref, readFilter } from './router.ts';
import { byLevel } from './scales.ts';
import type { Level, LocalText } from './types.ts';

/** As the API sends it: tasks and notices are numbered each on their own. */
export interface InboxItem {
  what: 'task' | 'notice';
  id: number;
  about?: string;
  on?: number;
  case?: number;
  title: LocalText;
  text?: string;
  why?: LocalText;
  level?: Level;
  over?: boolean;
  round?: number;
  post?: string;
  at: string;
  due_at?: string;
  origin?: string;
  acknowledged_at?: string;
  acknowledged_by?: string;
}

export interface Inbox {
  organisation: number;
  organisation_name: LocalText;
  post?: string;
  posts: string[];
  items: InboxItem[];
  waiting: number;
  more?: boolean;
}

/** An item as a row: its id is one among both kinds. */
export interface Entry {
  id: number;
  item: InboxItem;
}

export const entry = (item: InboxItem): Entry => ({ id: item.what === 'task' ? -item.id : item.id, item });

export const waits = (i: InboxItem): boolean => !i.over && !i.acknowledged_at;

/** Late counts from the present: the server's answer may be a while old. */
export const late = (i: InboxItem, now: Date): boolean => !i.over && !!i.due_at && Date.parse(i.due_at) <= now.getTime();

export type Order = 'urgent' | 'newest';

/** The same order as the server's: what waits, what is taken on, what is over; of each what is late, the worse, the sooner due, the newer. */
export function compare(order: Order, now: Date): (a: Entry, b: Entry) => number {
  const newer = (a: InboxItem, b: InboxItem) => Date.parse(b.at) - Date.parse(a.at);
  if (order === 'newest') return (a, b) => newer(a.item, b.item);
  const rank = (i: InboxItem) => (i.over ? 2 : i.acknowledged_at ? 1 : 0);
  const due = (i: InboxItem) => (i.due_at ? Date.parse(i.due_at) : Number.MAX_SAFE_INTEGER);
  return ({ item: a }, { item: b }) =>
    rank(a) - rank(b) || Number(late(b, now)) - Number(late(a, now)) || byLevel(a.level, b.level) || due(a) - due(b) || newer(a, b);
}

/** Notices that say the same of many cases without a level, such as that nobody owns them: past the first few they are one line, or
    they would hide what else waits. Alerts are never folded. */
export interface Fold {
  key: string;
  why: LocalText;
  n: number;
}

/** How many of one sort are shown before the rest is folded. */
export const FOLD_AFTER = 3;

export function fold<R extends { item: Entry }>(rows: readonly R[], unfolded: ReadonlySet<string>): (R | Fold)[] {
  // Of what sort a row is does not change by its being answered, or others would come up under the hand.
  const sort = ({ item: { item: i } }: R) => (i.about === 'case' && i.why && !i.level ? `${i.why.en}|${i.over ?? false}` : '');
  const counts = new Map<string, number>();
  for (const r of rows) counts.set(sort(r), (counts.get(sort(r)) ?? 0) + 1);
  const seen = new Map<string, number>();
  const out: (R | Fold)[] = [];
  for (const r of rows) {
    const key = sort(r);
    const n = (seen.get(key) ?? 0) + 1;
    seen.set(key, n);
    const rest = (counts.get(key) ?? 0) - FOLD_AFTER;
    if (!key || unfolded.has(key) || rest < 2 || n <= FOLD_AFTER) out.push(r);
    else if (n === FOLD_AFTER + 1) out.push({ key, why: r.item.item.why!, n: rest });
  }
  return out;
}

/** Where one press of the button goes. */
export function acknowledgePath(i: InboxItem): string {
  return i.what === 'task' ? `/cases/${i.case}/tasks/${i.id}/acknowledge` : `/notices/${i.id}/acknowledge`;
}

/** Where there is more about it; empty where this console has no page for it. */
export function link(i: InboxItem): string {
  if (i.case) return href(`cases/${i.case}`);
  if (i.about === 'alert' && i.on) return filterHref(readFilter(new URLSearchParams()), { selected: { kind: 'alert', id: i.on } });
  if (i.about === 'warning' && i.on) return href(`warnings/${i.on}`);
  if (i.about === 'warning-suggestion') return href('warnings', { part: 'suggested' }); // there it is followed or dismissed, and an all-clear leads to its warning
  return '';
}

/** Whether news may have changed an inbox. */
export function touches(n: News): boolean {
  const room = n.subject.split('.')[0];
  return room === 'notice' || room === 'task' || room === 'console' || n.subject === 'case.closed' || n.subject === 'case.moved';
}

/**
 * Calls knows what sounded because nobody had answered, until somebody has: a
 * bell that had to wait its minute is not rung for what is answered meanwhile.
 */
export class Calls {
  #open = new Set<string>();

  /** What is to be said aloud, if anything. */
  hear(n: News): { key: string; title: LocalText } | null {
    const d = n.data;
    const key = n.subject.startsWith('alert.') ? `alert:${d.alert}` : `${d.about}:${d.id}`;
    switch (n.subject) {
      case 'notice.sounded':
        this.#open.add(key);
        return { key, title: (d.title ?? {}) as LocalText };
      case 'notice.acknowledged':
      case 'alert.acknowledged':
      case 'alert.cleared':
        this.#open.delete(key);
        break;
      case 'notice.given':
        if (d.over) this.#open.delete(key);
    }
    return null;
  }

  stands(key: string): boolean {
    return this.#open.has(key);
  }
}
