// From what the API sends to the columns that uPlot draws, and to the facts of
// which a sentence is made for those who do not see the drawing.

import type { Bucket, Reading } from './types.ts';

/** A column's cell: null ends the line, undefined lets it pass. */
export type Cell = number | null | undefined;

export interface Curve {
  /** Seconds since 1970, rising. */
  x: number[];
  line: Cell[];
  /** The band around the line, where there is one. */
  low?: Cell[];
  high?: Cell[];
  /** Readings about which something is doubtful. */
  marked?: Cell[];
  /** Where the line is broken, from the last reading before to the first after. */
  gaps: [number, number][];
}

export interface Summary {
  n: number;
  min: number;
  max: number;
  last: number;
  lastAt: string;
}

/** Marked like this, a reading is kept and shown, and no detector judges by it. The line leaves it out too. */
const UNJUDGED: readonly string[] = ['duplicate', 'future', 'not_finite', 'unit'];

const judged = (r: Reading) => !r.marks?.some((m) => UNJUDGED.includes(m));
const numeric = (r: Reading) => (typeof r.value === 'boolean' ? Number(r.value) : Number.parseFloat(String(r.value)));

/**
 * curve sorts readings by time, drops what is not a number (booleans become 0
 * and 1) and breaks the line wherever the distance is five times the usual one:
 * a line drawn across an outage would claim readings that never were.
 */
export function curve(readings: readonly Reading[]): Curve {
  const points = readings
    .map((r) => ({ t: Date.parse(r.at) / 1000, v: numeric(r), r }))
    .filter((p) => Number.isFinite(p.t) && Number.isFinite(p.v))
    .sort((a, b) => a.t - b.t);
  const line = points.filter((p) => judged(p.r)).map((p) => p.t);
  const gaps = breaks(line, 5);
  const out: Curve & { marked: Cell[] } = { x: [], line: [], marked: [], gaps };
  let g = 0;
  for (const p of points) {
    for (; g < gaps.length && gaps[g]![1] <= p.t; g++) {
      out.x.push(gaps[g]![0] + (gaps[g]![1] - gaps[g]![0]) / 2);
      out.line.push(null);
      out.marked.push(undefined);
    }
    out.x.push(p.t);
    out.line.push(judged(p.r) ? p.v : undefined);
    out.marked.push(p.r.marks?.length ? p.v : undefined);
  }
  // What was put in for a gap may lie behind a doubtful reading within it.
  const order = out.x.map((_, i) => i).sort((a, b) => out.x[a]! - out.x[b]! || a - b);
  return { x: order.map((i) => out.x[i]!), line: order.map((i) => out.line[i]), marked: order.map((i) => out.marked[i]), gaps };
}

/**
 * bucketCurve draws intervals: the average as a line at each one's middle, from
 * min to max as a band. An interval without readings breaks both; where they
 * come more rarely than the intervals, only a longer silence does.
 */
export function bucketCurve(buckets: readonly Bucket[], width: number): Curve & { low: Cell[]; high: Cell[] } {
  const half = width / 2000;
  const at = buckets.map((b) => Date.parse(b.from) / 1000 + half);
  const out = { x: [] as number[], line: [] as Cell[], low: [] as Cell[], high: [] as Cell[], gaps: [] as [number, number][] };
  const dense = usual(at) <= (width / 1000) * 1.01;
  const gaps = breaks(at, dense ? 1.5 : 5);
  let g = 0;
  buckets.forEach((b, i) => {
    if (g < gaps.length && gaps[g]![1] === at[i]) {
      out.x.push((gaps[g]![0] + at[i]!) / 2);
      for (const c of [out.line, out.low, out.high]) c.push(null);
      out.gaps.push([gaps[g]![0] + half, at[i]! - half]);
      g++;
    }
    out.x.push(at[i]!);
    out.line.push(b.avg);
    out.low.push(b.min);
    out.high.push(b.max);
  });
  return out;
}

/** The places at which two neighbours are further apart than some times the usual distance. */
function breaks(at: readonly number[], times: number): [number, number][] {
  const step = usual(at);
  const out: [number, number][] = [];
  if (step > 0) at.forEach((t, i) => i > 0 && t - at[i - 1]! > times * step && out.push([at[i - 1]!, t]));
  return out;
}

function usual(at: readonly number[]): number {
  const steps = at.slice(1).map((t, i) => t - at[i]!);
  return steps.length ? steps.sort((a, b) => a - b)[Math.floor(steps.length / 2)]! : 0;
}

/** Where there is something to draw. */
export function indices(cells: readonly Cell[]): number[] {
  return cells.flatMap((v, i) => (v === null || v === undefined ? [] : [i]));
}

/** Points that no line reaches must be dots, or they are not seen. */
export function lonely(line: readonly Cell[]): number[] {
  const out: number[] = [];
  let before = -1;
  let broken = true;
  line.forEach((v, i) => {
    if (v === null) {
      if (before >= 0 && broken) out.push(before);
      before = -1;
      broken = true;
    } else if (v !== undefined) {
      if (before >= 0) broken = false;
      before = i;
    }
  });
  if (before >= 0 && broken) out.push(before);
  return out;
}

export function summary(readings: readonly Reading[]): Summary | null {
  const c = curve(readings);
  const seen = c.line.map((v, i) => ({ v, t: c.x[i]! })).filter((p): p is { v: number; t: number } => typeof p.v === 'number');
  const last = seen[seen.length - 1];
  if (!last) return null;
  return {
    n: seen.length,
    min: seen.reduce((a, b) => Math.min(a, b.v), Infinity),
    max: seen.reduce((a, b) => Math.max(a, b.v), -Infinity),
    last: last.v,
    lastAt: new Date(last.t * 1000).toISOString(),
  };
}

export function bucketSummary(buckets: readonly Bucket[]): Summary | null {
  const last = buckets[buckets.length - 1];
  if (!last) return null;
  return {
    n: buckets.reduce((n, b) => n + b.count, 0),
    min: buckets.reduce((a, b) => Math.min(a, b.min), Infinity),
    max: buckets.reduce((a, b) => Math.max(a, b.max), -Infinity),
    last: last.last,
    lastAt: last.from,
  };
}

/** How often each mark occurs, the most frequent first. */
export function marksOf(readings: readonly Reading[]): { marked: number; each: [string, number][] } {
  const n = new Map<string, number>();
  let marked = 0;
  for (const r of readings) {
    if (r.marks?.length) marked++;
    for (const m of r.marks ?? []) n.set(m, (n.get(m) ?? 0) + 1);
  }
  return { marked, each: [...n.entries()].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])) };
}

/** The scale's ends: some air, and down to zero where that is near. */
export function bounds(lo: number, hi: number): [number, number] {
  if (!(hi > lo)) return [lo - 1, hi + 1];
  const air = (hi - lo) * 0.1;
  return [lo >= 0 && lo <= air ? 0 : lo - air, hi + (hi - lo) * 0.12];
}
