// What a desk makes of a list of alerts: which rest and why, which are of one
// cause, whether they come in a flood, and which of them are news.

import type { Row } from './feed.ts';
import { byLevel, higher, worst } from './scales.ts';
import type { Alert, AlertLevel } from './types.ts';

/** Why an alert rests. */
export type Rest = 'works' | 'shelf' | 'design';
type Resting = Pick<Alert, 'state' | 'works' | 'shelf' | 'design'>;

/**
 * Why an alert rests: planned works are on, a person has shelved it, another
 * alert explains it. It is shown, and calls nobody. With `now` the end of works
 * and of a shelf is seen before the server tells it.
 */
export function reasons(a: Resting, now?: Date): Rest[] {
  if (a.state === 'cleared') return [];
  const past = (until: string) => !!now && now.getTime() >= Date.parse(until);
  const out: Rest[] = [];
  if (a.works?.rests && !past(a.works.until)) out.push('works');
  if (a.shelf && !a.shelf.over_at && !past(a.shelf.until)) out.push('shelf');
  if (a.design && !a.design.over_at) out.push('design');
  return out;
}

export function rests(a: Resting, now?: Date): boolean {
  return reasons(a, now).length > 0;
}

/** Alerts of one cause, shown as one: the head, and the others folded under it. */
export interface Fold {
  key: number;
  head: Row<Alert>;
  members: Row<Alert>[];
}

const cause = (a: Alert) => a.lead || a.id;

/**
 * fold puts alerts of one cause together, where the first of them stands: rows
 * come with the most urgent first. The head is the one that leads, unless it is
 * over or rests while others count.
 */
export function fold(rows: readonly Row<Alert>[], now?: Date): Fold[] {
  const groups = new Map<number, Row<Alert>[]>();
  for (const r of rows) {
    const key = cause(r.item);
    groups.set(key, [...(groups.get(key) ?? []), r]);
  }
  const over = (r: Row<Alert>) => r.gone || r.item.state === 'cleared';
  const urgency = (r: Row<Alert>) => (over(r) ? 2 : rests(r.item, now) ? 1 : 0);
  return [...groups].map(([key, all]) => {
    const most = Math.min(...all.map(urgency));
    const able = all.filter((r) => urgency(r) === most);
    const head = able.find((r) => r.item.id === key) ?? able[0]!;
    return { key, head, members: all.filter((r) => r !== head) };
  });
}

/** The part of a list that is arranged by level; a row keeps its place until the list is arranged anew. */
export type Section = AlertLevel | 'rest' | 'cleared';

export function section(g: Fold): Section {
  // The first of a group is the one that gave it its place.
  const all = [g.head, ...g.members].map((r) => r.placed).sort(urgent);
  const a = all[0]!;
  return a.state === 'cleared' ? 'cleared' : rests(a) ? 'rest' : a.level;
}

/** What still has to be looked at comes first, then what rests; of each the worst. */
export function urgent(a: Alert, b: Alert): number {
  return Number(a.state === 'cleared') - Number(b.state === 'cleared') || Number(rests(a)) - Number(rests(b)) || byLevel(a.level, b.level);
}

// ISA-18.2 and EEMUA 191: more than ten alarms in ten minutes are more than a
// person can handle; the flood is over when fewer than five came in ten.
export const FLOOD_SPAN = 10 * 60_000;
export const FLOOD_OVER = 10;
const EBB_UNDER = 5;

export interface Flood {
  since: Date;
  /** Raised within the last ten minutes. */
  n: number;
}

/** flood looks at when alerts that count were raised. What has cleared meanwhile is no longer in an open list. */
export function flood(alerts: readonly Alert[], now: Date): Flood | null {
  const end = now.getTime();
  const steps: { at: number; by: 1 | -1 }[] = [];
  for (const a of alerts) {
    const at = Date.parse(a.raised_at);
    if (rests(a, now) || !(at <= end)) continue;
    steps.push({ at, by: 1 });
    if (at + FLOOD_SPAN <= end) steps.push({ at: at + FLOOD_SPAN, by: -1 });
  }
  // What falls out of the ten minutes does so before what comes in.
  steps.sort((a, b) => a.at - b.at || a.by - b.by);
  let n = 0;
  let since: number | null = null;
  for (const s of steps) {
    n += s.by;
    if (n > FLOOD_OVER) since ??= s.at;
    else if (n < EBB_UNDER) since = null;
  }
  return since === null ? null : { since: new Date(since), n };
}

export interface News {
  /** To be said, and heard if need be. */
  calls: Alert[];
  /** Of a cause that an officer has taken note of, and no worse. */
  known: Alert[];
  /** They rest. */
  resting: Alert[];
}

/** news compares a newer listing with what was known: what is new, came back, rose, or no longer rests. */
export function news(before: ReadonlyMap<number, Alert>, all: readonly Alert[], now?: Date): News {
  const out: News = { calls: [], known: [], resting: [] };
  const byId = new Map(all.map((a) => [a.id, a]));
  // Of each cause the highest level that an officer has taken note of.
  const noted = new Map<number, AlertLevel>();
  for (const a of all) {
    const lead = a.lead ? byId.get(a.lead) : undefined;
    // The lead speaks for its group; once it is gone, the others do.
    if (!a.lead || (lead && lead.state !== 'cleared')) continue;
    if (a.state === 'acknowledged') noted.set(a.lead, worst([a.level, noted.get(a.lead)]) ?? 'none');
  }
  for (const a of all) {
    if (a.state === 'cleared') continue;
    const was = before.get(a.id);
    if (rests(a, now)) {
      if (!was) out.resting.push(a);
      continue;
    }
    const fresh = !was || rests(was) || was.state === 'cleared' || (was.state === 'acknowledged' && a.state === 'raised') || higher(a.level, was.level);
    if (!fresh) continue;
    const lead = a.lead ? byId.get(a.lead) : undefined;
    const heard = lead && lead.state !== 'cleared' ? (lead.state === 'acknowledged' ? lead.level : undefined) : a.lead ? noted.get(a.lead) : undefined;
    (heard !== undefined && !higher(a.level, heard) ? out.known : out.calls).push(a);
  }
  return out;
}

/**
 * Crier tells of new alerts: at once, but in a flood once a minute at most and
 * then of the worst that still needs somebody. What comes meanwhile waits and is
 * not lost; what is worse than what was told last does not wait.
 */
export class Crier {
  #tell: (alerts: Alert[], inFlood: boolean) => void;
  #find: (id: number) => Alert | undefined;
  #clock: () => number;
  #waiting = new Set<number>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #last = -Infinity;
  #told: AlertLevel | null = null;

  constructor(tell: (alerts: Alert[], inFlood: boolean) => void, find: (id: number) => Alert | undefined, clock: () => number = () => performance.now()) {
    this.#tell = tell;
    this.#find = find;
    this.#clock = clock;
  }

  hear(fresh: readonly Alert[], inFlood: boolean): void {
    if (fresh.length === 0) return;
    if (!inFlood && this.#waiting.size === 0) return this.#tell([...fresh], false);
    for (const a of fresh) this.#waiting.add(a.id);
    const left = this.#last + CRY_GAP - this.#clock();
    if (left <= 0 || higher(worst(fresh.map((a) => a.level)), this.#told)) this.#speak();
    else this.#timer ??= setTimeout(() => this.#speak(), left);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #speak(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const left = [...this.#waiting].map((id) => this.#find(id)).filter((a): a is Alert => !!a && waits(a));
    this.#waiting.clear();
    if (left.length === 0) return;
    this.#last = this.#clock();
    this.#told = worst(left.map((a) => a.level));
    this.#tell(left, true);
  }
}

const CRY_GAP = 60_000;

/** Whether an alert needs somebody still. */
export function waits(a: Alert): boolean {
  return a.state === 'raised' && !rests(a);
}
