// From what the API sends to what the map draws: pure, so that it can be
// tested without a map.

import type { Area, Lang } from './types.ts';
import { local } from './i18n.ts';

/** By what a form says where something is. */
export type SpotBy = 'asset' | 'area' | 'point';
export type Box = [number, number, number, number];
type Features = GeoJSON.FeatureCollection;

export const NOTHING: Features = { type: 'FeatureCollection', features: [] };

/**
 * tiers says how deep each area lies below the districts, since the names of
 * levels are the city's own: 0 is a district, 1 what lies in one, and so on. A
 * single area that holds all others is the city itself: -1.
 */
export function tiers(list: readonly Area[]): Map<number, number> {
  const byId = new Map(list.map((a) => [a.id, a]));
  const depth = (a: Area): number => {
    let d = 0;
    // An import may be wrong and form a circle: ten levels are plenty.
    for (let up = a.parent ? byId.get(a.parent) : undefined; up && d < 10; up = up.parent ? byId.get(up.parent) : undefined) d++;
    return d;
  };
  const tops = list.filter((a) => !a.parent);
  const city = tops.length === 1 && list.length > 1 ? 1 : 0;
  return new Map(list.map((a) => [a.id, depth(a) - city]));
}

export function areas(list: readonly Area[], lang: Lang): Features {
  const tier = tiers(list);
  return {
    type: 'FeatureCollection',
    features: list
      .filter((a) => a.geometry)
      .map((a) => ({
        type: 'Feature',
        id: a.id,
        geometry: a.geometry!,
        properties: { id: a.id, name: local(a.name, lang), level: a.level, tier: tier.get(a.id)!, water: isWater(a.level) },
      })),
  };
}

/** One label per area, at the middle of its largest ring. */
export function labels(f: Features): Features {
  return {
    type: 'FeatureCollection',
    features: f.features.flatMap((a) => {
      const at = middle(a.geometry);
      return at && a.properties?.name ? [{ ...a, geometry: { type: 'Point' as const, coordinates: at } }] : [];
    }),
  };
}

export function isWater(kind: string | undefined | null): boolean {
  const w = words(kind);
  // A water plant is a building, a river station is not the river.
  return /\b(sea|water|river|lake|canal|basin)\b/i.test(w) && !/\b(plant|works|station|main)\b/i.test(w);
}

export function isRoad(kind: string | undefined | null): boolean {
  return /\b(road|street|highway)\b/i.test(words(kind));
}

function words(kind: string | undefined | null): string {
  return (kind ?? '').replace(/[-_\d]+/g, ' ');
}

/** The centroid of the largest outer ring; a point or line gives its middle. */
export function middle(g: GeoJSON.Geometry | null | undefined): [number, number] | null {
  if (!g) return null;
  if (g.type === 'Point') return [g.coordinates[0]!, g.coordinates[1]!];
  const rings = g.type === 'Polygon' ? [g.coordinates[0]] : g.type === 'MultiPolygon' ? g.coordinates.map((p) => p[0]) : [];
  let best: [number, number] | null = null;
  let most = 0;
  for (const ring of rings) {
    if (!ring || ring.length < 4) continue;
    let area = 0;
    let x = 0;
    let y = 0;
    // Relative to the first corner, or the small differences drown.
    const [ox, oy] = ring[0] as [number, number];
    for (let i = 0; i + 1 < ring.length; i++) {
      const [ax, ay] = [ring[i]![0]! - ox, ring[i]![1]! - oy];
      const [bx, by] = [ring[i + 1]![0]! - ox, ring[i + 1]![1]! - oy];
      const cross = ax * by - bx * ay;
      area += cross;
      x += (ax + bx) * cross;
      y += (ay + by) * cross;
    }
    if (Math.abs(area) > most) {
      most = Math.abs(area);
      best = [ox + x / (3 * area), oy + y / (3 * area)];
    }
  }
  return best;
}

/** The box around everything, or null when there is nothing. */
export function bounds(f: Features): Box | null {
  const box: Box = [Infinity, Infinity, -Infinity, -Infinity];
  const walk = (c: unknown): void => {
    if (!Array.isArray(c)) return;
    if (typeof c[0] === 'number' && typeof c[1] === 'number') {
      box[0] = Math.min(box[0], c[0]);
      box[1] = Math.min(box[1], c[1]);
      box[2] = Math.max(box[2], c[0]);
      box[3] = Math.max(box[3], c[1]);
      return;
    }
    for (const part of c) walk(part);
  };
  for (const { geometry: g } of f.features) {
    if (!g) continue;
    if (g.type === 'GeometryCollection') continue;
    walk(g.coordinates);
  }
  return box[0] <= box[2] ? box : null;
}

/** "30.01234, 121.54321": latitude first, as people say it. */
export function coordinates(p: readonly [number, number]): string {
  return `${p[1].toFixed(5)}, ${p[0].toFixed(5)}`;
}

/** The inverse, for a place that is typed instead of pointed at. */
export function parseCoordinates(text: string): [number, number] | null {
  const m = /^\s*(-?\d+(?:\.\d+)?)\s*[,，;\s]\s*(-?\d+(?:\.\d+)?)\s*$/.exec(text);
  if (!m) return null;
  const lat = Number(m[1]);
  const lon = Number(m[2]);
  return Math.abs(lat) <= 90 && Math.abs(lon) <= 180 ? [lon, lat] : null;
}

/** Whether a text is inside what was searched for, all words in any order. */
export function matches(haystack: string, query: string): boolean {
  const h = haystack.toLocaleLowerCase();
  return query
    .toLocaleLowerCase()
    .split(/\s+/)
    .filter(Boolean)
    .every((w) => h.includes(w));
}
