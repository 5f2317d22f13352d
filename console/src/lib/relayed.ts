// What is drawn of warnings on the map: where ours hold, and where those of
// other services do, marked as theirs.

import type { Received } from './partners.ts';
import type { Warning } from './types.ts';

type Rings = readonly (readonly (readonly [number, number])[])[];

export interface Outline {
  theirs: boolean;
  level: string;
  chosen: boolean;
  rings: Rings;
}

/** Where those of our warnings hold that are drawn; what lies in areas of the register is outlined as these. */
export function ours(list: readonly Warning[], chosen: number): Outline[] {
  return list.flatMap((w) => w.areas.flatMap((a) => ('rings' in a && Array.isArray(a.rings) && a.rings.length ? [{ theirs: false, level: w.level, chosen: w.id === chosen, rings: a.rings as Rings }] : [])));
}

export function theirs(list: readonly Received[], chosen: number): Outline[] {
  return list.flatMap((r) => (r.places ?? []).flatMap((p) => (p.rings?.length ? [{ theirs: true, level: r.level || 'none', chosen: r.id === chosen, rings: p.rings }] : [])));
}

/** One polygon a ring: none of them is a hole. A ring that is not closed is. */
export function features(list: readonly Outline[]): GeoJSON.FeatureCollection {
  return {
    type: 'FeatureCollection',
    features: list.flatMap(({ rings, ...properties }) =>
      rings.flatMap((ring) => {
        if (ring.length < 3) return [];
        const [first, last] = [ring[0]!, ring[ring.length - 1]!];
        const closed = first[0] === last[0] && first[1] === last[1] ? ring : [...ring, first];
        return [{ type: 'Feature' as const, geometry: { type: 'Polygon' as const, coordinates: [closed.map(([x, y]) => [x, y])] }, properties }];
      }),
    ),
  };
}
