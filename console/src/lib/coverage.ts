// What watches each asset: the API's answers, the filter that the address
// holds, and the words and marks of the states.

import type { Key } from './i18n.ts';
import { href } from './router.ts';
import type { AssetState, LocalText } from './types.ts';

/** Worst first, as the list is sorted. */
export const COVERAGE_STATES = ['unwatched', 'mute', 'partly', 'works', 'watched', 'none'] as const;
export type CoverageState = (typeof COVERAGE_STATES)[number];
export type Liveness = 'alive' | 'late' | 'mute' | 'never';
export type CalibrationDue = 'ok' | 'soon' | 'overdue';

export interface Counts extends Record<CoverageState, number> {
  assets: number;
  late: number;
  unjudged: number;
  overdue: number;
  due_soon: number;
}

export interface CoverageTotals {
  at: string;
  total: Counts;
  kinds: ({ kind: string; title: LocalText } & Counts)[];
  areas: ({ area: number; name: LocalText } & Counts)[];
  cells: ({ kind: string; area: number } & Counts)[];
  datastreams: Record<Liveness, number>;
}

export interface Work {
  id: number;
  asset?: number;
  place?: number;
  from: string;
  until: string;
  reason: string;
  by: string;
  ended_at?: string | null;
  ended_by?: string;
}

export interface CoverageLine {
  id: number;
  external_id: string;
  kind: string;
  kind_title: LocalText;
  name: LocalText;
  place_name: LocalText;
  area?: number;
  area_name: LocalText;
  point: [number, number];
  state: CoverageState;
  late: boolean;
  judged: boolean;
  last_heard?: string | null;
  reasons: { code: string; property?: string; text: LocalText }[];
  works?: Work | null;
  due_on?: string;
  due?: CalibrationDue;
}

export interface CoverageDetail extends CoverageLine {
  properties: {
    property: string;
    title: LocalText;
    due: boolean;
    watched: boolean;
    judged: boolean;
    liveness?: Liveness;
    datastreams: { id: number; name?: string; liveness: Liveness; last_heard?: string | null; every: string; every_from: EveryFrom }[];
  }[];
  planned: Work[];
  calibrations: { id: number; asset?: number; datastream?: number; certificate: string; calibrated_on?: string; due_on: string; due: CalibrationDue }[];
  may_announce: boolean;
  may_calibrate: boolean;
}

export type EveryFrom = 'set' | 'datastream' | 'thing' | 'detector' | 'default';

export const STATE_WORD: Record<CoverageState, Key> = {
  unwatched: 'coverage.state.unwatched',
  mute: 'coverage.state.mute',
  partly: 'coverage.state.partly',
  works: 'coverage.state.works',
  watched: 'coverage.state.watched',
  none: 'coverage.state.none',
};
export const LIVENESS_WORD: Record<Liveness, Key> = {
  alive: 'coverage.alive',
  late: 'coverage.late',
  mute: 'coverage.mute',
  never: 'coverage.never',
};
export const FROM_WORD: Record<EveryFrom, Key> = {
  set: 'coverage.from.set',
  datastream: 'coverage.from.datastream',
  thing: 'coverage.from.thing',
  detector: 'coverage.from.detector',
  default: 'coverage.from.default',
};
export const DUE_WORD: Record<CalibrationDue, Key> = { ok: 'coverage.due.ok', soon: 'coverage.due.soon', overdue: 'coverage.due.overdue' };

/** The mark of a state: silence is hatched, a gap is a broken ring, and neither has a colour. */
export function markOf(s: CoverageState): AssetState {
  return s === 'mute' || s === 'works' ? 'silent' : s === 'unwatched' || s === 'partly' ? 'unknown' : 'ok';
}

/** What the page shows. */
export interface CoverageFilter {
  kind: string;
  area: number;
  state: CoverageState | '';
  /** One more thing that can be wrong. */
  only: '' | 'overdue' | 'soon' | 'late' | 'unjudged';
  q: string;
  /** The asset that is open. */
  sel: number;
}

const ONLY: readonly string[] = ['overdue', 'soon', 'late', 'unjudged'];

export function readCoverage(q: URLSearchParams): CoverageFilter {
  const number = (name: string) => Number(/^\d+$/.exec(q.get(name) ?? '')?.[0] ?? 0);
  const state = q.get('state') ?? '';
  const only = q.get('only') ?? '';
  return {
    kind: q.get('kind') ?? '',
    area: number('area'),
    state: (COVERAGE_STATES as readonly string[]).includes(state) ? (state as CoverageState) : '',
    only: ONLY.includes(only) ? (only as CoverageFilter['only']) : '',
    q: q.get('q') ?? '',
    sel: number('sel'),
  };
}

export function coverageHref(f: CoverageFilter, change: Partial<CoverageFilter> = {}): string {
  const n = { ...f, ...change };
  return href('coverage', { kind: n.kind, area: n.area || undefined, state: n.state, only: n.only, q: n.q, sel: n.sel || undefined });
}

/** The filter as the API has it: totals are asked for without the state, so that they say how many are in each. */
export function coverageQuery(f: CoverageFilter, whole = false): Record<string, string | number | undefined> {
  const narrow = whole
    ? {}
    : {
        state: f.state,
        calibration: f.only === 'overdue' || f.only === 'soon' ? f.only : undefined,
        late: f.only === 'late' ? 'true' : undefined,
        unjudged: f.only === 'unjudged' ? 'true' : undefined,
      };
  return { kind: f.kind, area: f.area || undefined, q: f.q, ...narrow };
}

/** How many of what should be watched are: what measures nothing does not count. */
export function needed(c: Counts): number {
  return c.assets - c.none;
}

/** What is blind: unwatched or mute. */
export function blind(c: Counts): number {
  return c.unwatched + c.mute;
}

/** Where a line and a column of the table meet; undefined where there is nothing. */
export function cellOf(t: CoverageTotals): (kind: string, area: number) => Counts | undefined {
  const cells = new Map(t.cells.map((c) => [`${c.kind} ${c.area}`, c]));
  return (kind, area) => cells.get(`${kind} ${area}`);
}

/** The map draws the states with the marks that it has for assets. */
export function mapFeatures(c: GeoJSON.FeatureCollection): GeoJSON.FeatureCollection {
  return { ...c, features: c.features.map((f) => ({ ...f, properties: { ...f.properties, state: markOf(f.properties?.state as CoverageState) } })) };
}

/** "PT1H30M" in milliseconds, for showing it in words; 0 for what is none. */
export function everyMs(iso: string): number {
  const m = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/.exec(iso);
  if (!m) return 0;
  const [d, h, min, s] = m.slice(1).map((x) => Number(x ?? 0)) as [number, number, number, number];
  return (((d * 24 + h) * 60 + min) * 60 + s) * 1000;
}
