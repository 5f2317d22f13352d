// The figures of the watch: what the server computes from verified outcomes, and the list behind each.

import { href } from './router.ts';
import type { AlertLevel, AlertState, LocalText } from './types.ts';

/** A share, or null where it is a share of nothing. */
export type Share = number | null;

export interface Interval {
  low: Share;
  high: Share;
}

export interface Found {
  name: string;
  raised: number;
  alarms: number;
  real: number;
  false: number;
  unclear: number;
  drill: number;
  unverified: number;
  missed: number;
  verified: Share;
  pod: Share;
  pod_95: Interval;
  far: Share;
  far_95: Interval;
  csi: Share;
  lead: { n: number; median_s: Share; tenth_s: Share };
}

export interface DetectorFigures extends Found {
  title: LocalText;
  hazard: string;
  owner: string;
  maturity: string;
}

export interface HazardFigures extends Found {
  unwatched: number;
}

export interface Load {
  alarms: number;
  per_10_min: Share;
  per_hour: Share;
  per_day: Share;
  over_periods: number;
  over_share: Share;
  largest: number;
  largest_at_us: number;
  floods: { start_us: number; end_us: number; alarms: number; largest: number }[];
  flood_share: Share;
  top_share: Share;
  chattering: number;
  fleeting: number;
  stale: number;
}

export interface PositionFigures {
  position: string;
  detectors: number;
  load: Load;
  top: { detector: string; title: LocalText; asset: number; name: LocalText; alarms: number }[];
  returned: number;
  monitoring: number;
  grouped: number;
  flapping: number;
  rested: { alerts: number; works: number; shelved: number; design: number; counted: number; shelvings: number };
  stale_now: number;
}

export interface TargetLimit {
  target: number;
  limit: number;
}

export interface Targets {
  per_10_min: TargetLimit;
  per_hour: TargetLimit;
  per_day: TargetLimit;
  over_share: number;
  flood_share: number;
  top_share: number;
  stale: number;
}

export interface MissedEvent {
  case: number;
  kind: string;
  hazard: string;
  report?: number;
  finding?: number;
  asset?: number;
  at: string;
  detectors: string[];
}

export interface Figures {
  from: string;
  to: string;
  detectors: DetectorFigures[];
  hazards: HazardFigures[];
  positions: PositionFigures[];
  missed: MissedEvent[];
  targets: Targets;
}

export interface LoadNow {
  at: string;
  positions: { position: string; last_10_min: number; last_hour: number; last_day: number; flood_since: string | null; standing: number; resting: number }[];
}

export interface ListedAlert {
  id: number;
  title: LocalText;
  level: AlertLevel;
  state: AlertState;
  raised_at: string;
  asset_name?: LocalText | null;
  place_name?: LocalText | null;
  case?: number | null;
  outcome?: { verdict: string; onset?: string | null } | null;
}

export const DAYS = [7, 30, 90, 365] as const;

/** The days that the page is about: ISA-18.2 measures over thirty at least. */
export function daysOf(q: URLSearchParams): number {
  const n = Number(q.get('days'));
  return (DAYS as readonly number[]).includes(n) ? n : 30;
}

/** What a list of alerts may be narrowed to, by the names that the API gives. */
const NARROW = ['detector', 'owner', 'kind', 'outcome', 'asset', 'rest', 'raised_from', 'raised_to'] as const;
export type Narrow = Partial<Record<(typeof NARROW)[number], string | number>> & { state?: 'open' };

/** The list behind a figure. */
export function behind(n: Narrow, days: number): string {
  return href('watch', { list: 'alerts', ...n, days: days === 30 ? undefined : days });
}

/** narrowed reads what behind wrote. */
export function narrowed(q: URLSearchParams): Record<string, string> | null {
  if (q.get('list') !== 'alerts') return null;
  const out: Record<string, string> = { state: q.get('state') === 'open' ? 'open' : 'all' };
  for (const k of NARROW) {
    const v = q.get(k);
    if (v) out[k] = v;
  }
  return out;
}

export type Standing = 'good' | 'bearable' | 'over';

/** Where a figure stands: within its target, within what can just be managed, or beyond. */
export function standing(value: Share, target: number, limit: number): Standing | null {
  if (value === null) return null;
  return value <= target ? 'good' : value <= limit ? 'bearable' : 'over';
}

/** Detectors by hazard, each hazard with its own figures first. */
export function byHazard(f: Pick<Figures, 'detectors' | 'hazards'>): { hazard: HazardFigures; detectors: DetectorFigures[] }[] {
  return f.hazards.map((hazard) => ({ hazard, detectors: f.detectors.filter((d) => d.hazard === hazard.name) }));
}
