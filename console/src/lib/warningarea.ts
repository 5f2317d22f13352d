// Drawing an area with the keyboard or by numbers alone: a ring of points, one
// of which may be chosen, and a cross that the arrows move. Pure.

import { middle, NOTHING } from './geo.ts';
import type { LocalText } from './types.ts';
import type { Around, Drawn } from './warning.ts';

export type Point = [number, number];

/** By how many metres an arrow moves. */
export const STEPS = [10, 100, 1000] as const;
const DEGREE = 111_320;

/** As finely as is published: about one metre. */
export const round = ([lon, lat]: Point): Point => [Math.round(lon * 1e5) / 1e5, Math.round(lat * 1e5) / 1e5];

export function move([lon, lat]: Point, east: number, north: number): Point {
  const up = Math.min(89.9, Math.max(-89.9, lat + north / DEGREE));
  return round([lon + east / (DEGREE * Math.cos((lat * Math.PI) / 180)), up]);
}

export function metres(a: Point, b: Point): number {
  const k = Math.cos((((a[1] + b[1]) / 2) * Math.PI) / 180);
  return Math.hypot((a[0] - b[0]) * k, a[1] - b[1]) * DEGREE;
}

/** Where an arrow leads; null for a key that is none. */
export function arrow(key: string, by: number): [number, number] | null {
  switch (key) {
    case 'ArrowUp':
      return [0, by];
    case 'ArrowDown':
      return [0, -by];
    case 'ArrowLeft':
      return [-by, 0];
    case 'ArrowRight':
      return [by, 0];
    default:
      return null;
  }
}

export interface Ring {
  points: Point[];
  /** The point that is moved; -1: the cross is. */
  at: number;
  cross: Point;
}

/** A point where the cross is, after the chosen one, or at the end. */
export function add(r: Ring): Ring {
  const at = r.at < 0 ? r.points.length : r.at + 1;
  return { ...r, points: r.points.toSpliced(at, 0, round(r.cross)), at: -1 };
}

/** Moves the chosen point, or the cross. */
export function shift(r: Ring, east: number, north: number): Ring {
  const p = r.points[r.at];
  if (!p) return { ...r, cross: move(r.cross, east, north) };
  const moved = move(p, east, north);
  return { ...r, points: r.points.with(r.at, moved), cross: moved };
}

export function choose(r: Ring, by: number): Ring {
  if (!r.points.length) return r;
  const at = r.at < 0 ? (by > 0 ? 0 : r.points.length - 1) : (r.at + by + r.points.length) % r.points.length;
  return { ...r, at, cross: r.points[at]! };
}

export function drop(r: Ring, at: number): Ring {
  if (!r.points[at]) return r;
  return { ...r, points: r.points.toSpliced(at, 1), at: -1 };
}

/** Two sides that cross: such a ring encloses nothing that anybody meant. */
export function crosses(p: readonly Point[]): boolean {
  const n = p.length;
  const side = (a: Point, b: Point, c: Point) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
  const cut = (a: Point, b: Point, c: Point, d: Point) => side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
  for (let i = 0; i < n; i++) for (let j = i + 2; j < n; j++) if (!(i === 0 && j === n - 1) && cut(p[i]!, p[(i + 1) % n]!, p[j]!, p[(j + 1) % n]!)) return true;
  return false;
}

export type RingProblem = '' | 'few' | 'crosses';
export function check(p: readonly Point[]): RingProblem {
  if (new Set(p.map((x) => round(x).join())).size < 3) return 'few';
  return crosses(p) ? 'crosses' : '';
}

/** About what a ring encloses, in square kilometres. */
export function size(p: readonly Point[]): number {
  if (p.length < 3) return 0;
  const [ox, oy] = p[0]!;
  const k = Math.cos((oy * Math.PI) / 180);
  let sum = 0;
  for (let i = 0; i < p.length; i++) {
    const [a, b] = [p[i]!, p[(i + 1) % p.length]!];
    sum += (a[0] - ox) * (b[1] - oy) - (b[0] - ox) * (a[1] - oy);
  }
  return (Math.abs(sum / 2) * k * DEGREE * DEGREE) / 1e6;
}

/** A band around a point, to be looked at: the server draws the one that is published, around the asset's own shape. */
export function circle(at: Point, by: number, n = 48): Point[] {
  return Array.from({ length: n }, (_, i) => move(at, by * Math.cos((2 * Math.PI * i) / n), by * Math.sin((2 * Math.PI * i) / n)));
}

const closed = (p: Point[]): Point[] => [...p, p[0]!];

/** What the map draws of an area: rings, bands, and the ring that is being drawn with its points and its cross. */
export function picture(drawn: readonly Drawn[], around: readonly Around[], whereIs: (asset: number) => Point | null, editing: { index: number; ring: Ring } | null, words: { cross: string }): GeoJSON.FeatureCollection {
  const out: GeoJSON.Feature[] = [];
  const polygon = (p: Point[], more: object) => out.push({ type: 'Feature', geometry: { type: 'Polygon', coordinates: [closed(p)] }, properties: { draft: false, chosen: false, ...more } });
  drawn.forEach((d, i) => {
    if (i !== editing?.index && d.ring.length >= 3) polygon(d.ring, {});
  });
  for (const a of around) {
    const at = whereIs(a.asset);
    if (at && a.metres > 0) polygon(circle(at, a.metres), {});
  }
  if (editing) {
    const { points, at, cross } = editing.ring;
    if (points.length >= 3) polygon(points, { draft: true, chosen: true });
    else if (points.length === 2) out.push({ type: 'Feature', geometry: { type: 'LineString', coordinates: points }, properties: { draft: true } });
    points.forEach((p, i) => out.push({ type: 'Feature', geometry: { type: 'Point', coordinates: p }, properties: { label: String(i + 1), chosen: i === at, draft: false } }));
    if (at < 0) out.push({ type: 'Feature', geometry: { type: 'Point', coordinates: cross }, properties: { label: words.cross, chosen: true, draft: true } });
  }
  return out.length ? { type: 'FeatureCollection', features: out } : NOTHING;
}

/** The middle of a geometry's box is enough to start from. */
export function start(g: GeoJSON.Geometry | null | undefined): Point | null {
  return middle(g);
}

/** The outlines that only the warning itself knows, by their names. */
export function outlines(areas: readonly { id: number; name: LocalText | string; rings?: Point[][] | null }[], name: (v: LocalText | string) => string): GeoJSON.FeatureCollection {
  const features = areas.flatMap((a) => (a.rings ?? []).map((r): GeoJSON.Feature => ({ type: 'Feature', geometry: { type: 'Polygon', coordinates: [r] }, properties: { label: name(a.name), draft: false, chosen: false } })));
  return { type: 'FeatureCollection', features };
}
