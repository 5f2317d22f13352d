// A response by an emergency plan, as the board shows it: agencies and their
// tasks. Pure; pages and components draw it.

import type { Key } from './i18n.ts';
import type { LocalText } from './types.ts';

export type ResponseLevel = 'I' | 'II' | 'III' | 'IV';

export interface Counts {
  waiting: number;
  acknowledged: number;
  done: number;
  withdrawn: number;
  late: number;
  done_late: number;
}

export interface ResponseBrief {
  id: number;
  plan: string;
  title: LocalText;
  level: ResponseLevel;
  level_title: LocalText;
  state: 'active' | 'ended';
  drill: boolean;
  case: number;
  case_closed: boolean;
  asset_name: LocalText | null;
  place_name: LocalText | null;
  area_name: LocalText | null;
  opened_at: string;
  ended_at: string | null;
  counts: Counts;
}

export interface BoardTask {
  id: number;
  name: string;
  title: LocalText;
  level: ResponseLevel;
  organisation?: number;
  organisation_name: LocalText;
  post: string;
  state: 'waiting' | 'acknowledged' | 'done' | 'withdrawn';
  late: boolean;
  given_at: string;
  due_at: string | null;
  acknowledged_at: string | null;
  acknowledged_by?: string;
  done_at: string | null;
  answer?: string;
  asks?: { title: LocalText; kind: 'text' | 'number' };
  done_when: LocalText;
  needs: { resource: string; title: LocalText; count: number; unit: LocalText }[];
  may_acknowledge: boolean;
  may_finish: boolean;
}

export interface BoardAgency {
  agency: string;
  title: LocalText;
  lead: boolean;
  gap: boolean;
  organisations: { id: number; name: LocalText }[];
  counts: Counts;
  tasks: BoardTask[];
}

export interface Advice {
  id: number;
  state: 'open' | 'taken' | 'declined' | 'lapsed';
  at: string;
  decided_by?: string;
  why?: string;
  title: LocalText;
  because: LocalText;
  agency: string;
  model: string;
  figures: { title: LocalText; value: number; unit: string }[];
}

export interface Proposal {
  id: number;
  plan: string;
  plan_title: LocalText;
  what: 'open' | 'raise' | 'lower' | 'end';
  level?: ResponseLevel;
  level_title: LocalText | null;
  decided_in: LocalText | null;
  activation?: number;
  state: string;
  drill: boolean;
  reasons: { kind: 'alert' | 'warning' | 'relay' | 'incident'; ref: number; level: string; text: LocalText; since: string }[];
  asset: number | null;
  place: number | null;
  area: number | null;
  asset_name: LocalText | null;
  place_name: LocalText | null;
  area_name: LocalText | null;
  gaps: { agency: string; title: LocalText }[];
  at: string;
}

export interface Board extends ResponseBrief {
  now: string;
  source: string;
  levels: { id: ResponseLevel; title: LocalText; decided_by: LocalText; in_force: boolean; gives: number; withdraws: number }[];
  agencies: BoardAgency[];
  resources: { id: string; title: LocalText; agency: string; count: number; taken: number; unit: LocalText }[];
  changes: { at: string; from?: ResponseLevel; to?: ResponseLevel; by: string; organisation_name: LocalText; why: string; decided_by: LocalText }[];
  proposal: Proposal | null;
  advice: Advice[];
  may_decide: boolean;
}

export interface PlanBrief {
  id: string;
  title: LocalText;
  about: string;
  per: 'city' | 'place';
  levels: { id: ResponseLevel; title: LocalText; decided_by: LocalText; proposed_by: LocalText[]; tasks: number }[];
}

export interface PlanPage extends PlanBrief {
  source: string;
  agencies: BoardAgency[];
  may_decide: boolean;
}

/** Where a proposal is, and the incident that it is for, as a request to open names them. */
export function whereOf(p: Proposal): Record<string, number> {
  const out: Record<string, number> = {};
  for (const kind of ['asset', 'place', 'area'] as const) if (p[kind]) out[kind] = p[kind];
  const incident = p.reasons.find((r) => r.kind === 'incident');
  if (incident) out.case = incident.ref;
  return out;
}

/** What a task is called on the board: late goes before everything but done. */
export type Standing = 'late' | 'waiting' | 'acknowledged' | 'done' | 'withdrawn';

/** Whether a task is late now: the board may be older than its deadline. */
export function lateNow(t: Pick<BoardTask, 'state' | 'late' | 'due_at'>, now: Date): boolean {
  if (t.state !== 'waiting' && t.state !== 'acknowledged') return t.late;
  return !!t.due_at && Date.parse(t.due_at) < now.getTime();
}

export const STATE_WORD: Record<BoardTask['state'], Key> = {
  waiting: 'board.waiting',
  acknowledged: 'board.acknowledged',
  done: 'board.done',
  withdrawn: 'board.withdrawn',
};

export const PROPOSE_WORD: Record<Proposal['what'], Key> = {
  open: 'board.propose.open',
  raise: 'board.propose.raise',
  lower: 'board.propose.lower',
  end: 'board.propose.end',
};

export const REASON_WORD: Record<Proposal['reasons'][number]['kind'], Key> = {
  alert: 'board.reason.alert',
  warning: 'board.reason.warning',
  relay: 'board.reason.relay',
  incident: 'board.reason.incident',
};

const ORDER: Record<BoardTask['state'], number> = { waiting: 0, acknowledged: 1, done: 2, withdrawn: 3 };

/** What still needs somebody first: late before due, the nearest deadline first; then what is done, the newest first. */
export function arrange(tasks: readonly BoardTask[], now: Date): BoardTask[] {
  const due = (t: BoardTask) => (t.due_at ? Date.parse(t.due_at) : Infinity);
  return [...tasks].sort(
    (a, b) =>
      Number(ORDER[a.state] > 1) - Number(ORDER[b.state] > 1) ||
      Number(lateNow(b, now)) - Number(lateNow(a, now)) ||
      ORDER[a.state] - ORDER[b.state] ||
      (ORDER[a.state] > 1 ? Date.parse(b.done_at ?? '') - Date.parse(a.done_at ?? '') : due(a) - due(b)) ||
      a.id - b.id,
  );
}

/** The counts as they are now: a deadline may have passed since the board was read. */
export function countsNow(tasks: readonly BoardTask[], now: Date): Counts {
  const c: Counts = { waiting: 0, acknowledged: 0, done: 0, withdrawn: 0, late: 0, done_late: 0 };
  for (const t of tasks) {
    c[t.state]++;
    if (!lateNow(t, now) || t.state === 'withdrawn') continue;
    if (t.state === 'done') c.done_late++;
    else c.late++;
  }
  return c;
}

/** The agencies in the order in which a commander looks: who is late, who has not answered, then the plan's own order. */
export function agenciesByNeed(agencies: readonly BoardAgency[], now: Date): BoardAgency[] {
  const weight = (a: BoardAgency) => {
    const c = countsNow(a.tasks, now);
    return c.late > 0 ? 0 : c.waiting > 0 ? 1 : c.acknowledged > 0 ? 2 : a.tasks.length > 0 ? 3 : 4;
  };
  return agencies.map((a, i) => ({ a, i, w: weight(a) })).sort((x, y) => x.w - y.w || x.i - y.i).map((x) => x.a);
}

/** The levels above and below the one in force, as they can be chosen. */
export function otherLevels(b: Pick<Board, 'levels' | 'level'>): { id: ResponseLevel; title: LocalText; up: boolean; gives: number; withdraws: number; decided_by: LocalText }[] {
  const at = b.levels.findIndex((l) => l.id === b.level);
  return b.levels.map((l, i) => ({ ...l, up: i > at })).filter((l) => l.id !== b.level);
}

/** Whether an event of the live stream is about a board. */
export function concerns(b: Pick<Board, 'id' | 'case'> | null, n: { subject: string; data: Record<string, unknown> }): boolean {
  if (!b) return false;
  if (n.subject.startsWith('plan.')) return Number(n.data.activation) === b.id;
  return (n.subject.startsWith('case.') || n.subject.startsWith('task.')) && Number(n.data.case) === b.case;
}
