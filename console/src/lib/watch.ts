// The watch's own accounts: nothing that came in may be lost on the way.

import type { Key } from './i18n.ts';
import type { Counters, Score } from './types.ts';

export interface Line {
  key: string;
  left: number;
  leftWord: Key;
  right: { value: number; word: Key }[];
  /** left less right: 0 is balanced. */
  off: number;
}

export function balance(c: Counters['total']): Line[] {
  const line = (key: string, left: number, leftWord: Key, right: Line['right']): Line => ({
    key,
    left,
    leftWord,
    right,
    off: left - right.reduce((n, r) => n + r.value, 0),
  });
  return [
    line('in', c.in, 'watch.in', [
      { value: c.accepted, word: 'watch.accepted' },
      { value: c.refused, word: 'watch.refused' },
    ]),
    line('logged', c.accepted, 'watch.accepted', [{ value: c.logged, word: 'watch.logged' }]),
    line('stored', c.logged, 'watch.logged', [
      { value: c.stored, word: 'watch.stored' },
      { value: c.deleted, word: 'watch.deleted' },
    ]),
  ];
}

/** What came in by MQTT and has not found its end yet. */
export function inFlight(m: NonNullable<Counters['mqtt']>[number]): number {
  return Math.max(0, m.received - m.accepted - m.refused - m.failed);
}

export function median(values: readonly (number | null)[]): number | null {
  const v = values.filter((x): x is number => typeof x === 'number' && Number.isFinite(x)).sort((a, b) => a - b);
  if (v.length === 0) return null;
  const mid = v.length >> 1;
  return v.length % 2 ? v[mid]! : (v[mid - 1]! + v[mid]!) / 2;
}

/** What is planted for later cannot have been missed. */
export function toCome(incidents: readonly Incident[], now: Date): number {
  return incidents.filter((i) => Date.parse(i.began) > now.getTime()).length;
}

/** What was missed, also from a server that counts what is to come among it. */
export function missed(score: Pick<Score, 'missed' | 'pending'>, later: number): number {
  return score.pending === undefined ? Math.max(0, score.missed - later) : score.missed;
}

export interface Incident {
  name: unknown;
  began: string;
  found: string | null;
  minutes: number | null;
}

/** An incident as the simulator describes it, whichever words it uses. */
export function incident(i: Record<string, unknown>): Incident {
  const first = (...keys: string[]): unknown => keys.map((k) => i[k]).find((v) => v !== undefined && v !== null);
  const minutes = first('minutes_of_warning', 'minutes', 'lead_minutes');
  return {
    name: first('title', 'name', 'kind', 'id') ?? '',
    began: String(first('began_at', 'began', 'start', 'planted_at') ?? ''),
    found: (first('raised_at', 'found_at', 'first_alert_at') as string | undefined) ?? null,
    minutes: typeof minutes === 'number' ? minutes : null,
  };
}
