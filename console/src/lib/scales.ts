// Five scales, never mixed. Each step has a colour (a CSS variable), a word
// and a shape, so that none of the three is needed to tell steps apart. Alert
// and warning share the four colours by law, never the words or the shape.

import type { Alert, AlertLevel, AssetState, Case, Fault, Level, Maturity, Verdict, Warning } from './types.ts';
import type { Key } from './i18n.ts';

export const LEVELS: readonly Level[] = ['red', 'orange', 'yellow', 'blue'];

/** Worst first. */
export function byLevel(a: AlertLevel | null | undefined, b: AlertLevel | null | undefined): number {
  const rank = (l: AlertLevel | null | undefined) => (l && l !== 'none' ? LEVELS.indexOf(l) : LEVELS.length);
  return rank(a) - rank(b);
}

export function higher(a: AlertLevel | null | undefined, b: AlertLevel | null | undefined): boolean {
  return byLevel(a, b) < 0;
}

export function worst(levels: Iterable<AlertLevel | null | undefined>): Level | null {
  let out: Level | null = null;
  for (const l of levels) if (l && l !== 'none' && byLevel(l, out) < 0) out = l;
  return out;
}

/** Outlines in a 16 by 16 box, used by the page and by the map alike. */
export const ALERT_SHAPE: Record<Level, string> = {
  red: 'M5 1h6l4 4v6l-4 4H5l-4-4V5z',
  orange: 'M8 1.2 15.2 14.4H.8z',
  yellow: 'M8 .6 15.4 8 8 15.4.6 8z',
  blue: 'M8 1.2a6.8 6.8 0 1 1 0 13.6A6.8 6.8 0 0 1 8 1.2z',
};
export const WARNING_SHAPE = 'M2.5 1h1.8v.9H14l-2.7 3.6L14 9.2H4.3V15H2.5z';
export const CASE_SHAPE = 'M3 1h7l3.4 3.4V15H3z';
export const REPORT_SHAPE = 'M1.5 2h13v9H8.2L4.6 14.6V11H1.5z';
export const ASSET_SHAPE = 'M8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3z';

export const ALERT_WORD: Record<AlertLevel, Key> = {
  none: 'alert.level.none',
  red: 'alert.level.red',
  orange: 'alert.level.orange',
  yellow: 'alert.level.yellow',
  blue: 'alert.level.blue',
};
export const LEVEL_WORD: Record<AlertLevel, Key> = {
  none: 'level.none',
  red: 'level.red',
  orange: 'level.orange',
  yellow: 'level.yellow',
  blue: 'level.blue',
};
export const WARNING_WORD: Record<Level, Key> = {
  red: 'warning.level.red',
  orange: 'warning.level.orange',
  yellow: 'warning.level.yellow',
  blue: 'warning.level.blue',
};
export const ALERT_STATE: Record<Alert['state'], Key> = {
  raised: 'alert.state.raised',
  acknowledged: 'alert.state.acknowledged',
  cleared: 'alert.state.cleared',
};
export const FAULT_WORD: Record<Fault, Key> = { silent: 'alert.fault.silent', stuck: 'alert.fault.stuck', comms: 'alert.fault.comms' };
export const MATURITY_WORD: Record<Maturity, Key> = { stable: 'alert.maturity.stable', trial: 'alert.maturity.trial', draft: 'alert.maturity.draft' };
export const VERDICT_WORD: Record<Verdict, Key> = { real: 'alert.verdict.real', false: 'alert.verdict.false', unclear: 'alert.verdict.unclear', drill: 'alert.verdict.drill' };
export const VERDICTS: readonly Verdict[] = ['real', 'false', 'unclear', 'drill'];
export const WARNING_STATE: Record<Warning['state'], Key> = {
  draft: 'warning.state.draft',
  proposed: 'warning.state.proposed',
  issued: 'warning.state.issued',
  cancelled: 'warning.state.cancelled',
  expired: 'warning.state.expired',
};
export const ASSET_STATE: Record<AssetState, Key> = {
  ok: 'asset.state.ok',
  alert: 'asset.state.alert',
  silent: 'asset.state.silent',
  unknown: 'asset.state.unknown',
};
export const ASSET_STATES: readonly AssetState[] = ['alert', 'silent', 'unknown', 'ok'];

/** How much attention a mark asks for: solid, outlined, or faint. */
export type Weight = 'solid' | 'outline' | 'faint';

export function alertWeight(s: Alert['state'], resting = false): Weight {
  return s === 'cleared' ? 'faint' : s === 'acknowledged' || resting ? 'outline' : 'solid';
}

export function warningWeight(s: Warning['state']): Weight {
  return s === 'issued' ? 'solid' : s === 'proposed' || s === 'draft' ? 'outline' : 'faint';
}

export function caseWeight(c: Case): Weight {
  return c.closed_at ? 'faint' : 'outline';
}

/** A deadline's own small scale: what is overdue, what is near. */
export type Due = 'none' | 'fine' | 'near' | 'over';

const NEAR = 60 * 60_000;

export function due(at: string | null | undefined, closed: string | null | undefined, now: Date): Due {
  if (!at || closed) return 'none';
  const left = Date.parse(at) - now.getTime();
  return left < 0 ? 'over' : left < NEAR ? 'near' : 'fine';
}
