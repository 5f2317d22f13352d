// From readings to the columns that uPlot draws, and to a sentence for those
// who do not see the drawing.

import type { Reading } from './types.ts';

export interface Columns {
  /** Seconds since 1970, rising. */
  x: number[];
  /** null is a gap in the line. */
  y: (number | null)[];
}

export interface Summary {
  n: number;
  min: number;
  max: number;
  last: number;
  lastAt: string;
}

/**
 * columns sorts by time, drops what is not a number (booleans become 0 and 1)
 * and puts a gap wherever the distance is five times the usual one: a line
 * drawn across an outage would claim readings that never were.
 */
export function columns(readings: readonly Reading[]): Columns {
  const points = readings
    .map((r) => ({ t: Date.parse(r.at) / 1000, v: typeof r.value === 'boolean' ? Number(r.value) : Number.parseFloat(String(r.value)) }))
    .filter((p) => Number.isFinite(p.t) && Number.isFinite(p.v))
    .sort((a, b) => a.t - b.t);
  const steps = points.slice(1).map((p, i) => p.t - points[i]!.t);
  const usual = steps.length ? [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)]! : 0;
  const x: number[] = [];
  const y: (number | null)[] = [];
  points.forEach((p, i) => {
    const before = points[i - 1];
    if (before && usual > 0 && p.t - before.t > 5 * usual) {
      x.push(before.t + (p.t - before.t) / 2);
      y.push(null);
    }
    x.push(p.t);
    y.push(p.v);
  });
  return { x, y };
}

export function summary(readings: readonly Reading[]): Summary | null {
  const c = columns(readings);
  const seen = c.y.filter((v): v is number => v !== null);
  if (seen.length === 0) return null;
  return {
    n: seen.length,
    min: seen.reduce((a, b) => Math.min(a, b)),
    max: seen.reduce((a, b) => Math.max(a, b)),
    last: seen[seen.length - 1]!,
    lastAt: new Date(c.x[c.x.length - 1]! * 1000).toISOString(),
  };
}
