// What lies inside an area, as the API gives it.

import type { LocalText } from './types.ts';

export interface InsideGroup {
  kind: string;
  title: LocalText;
  count: number;
  items?: { id: number; name: LocalText | string; point?: [number, number] | null }[] | null;
}

export interface Inside {
  groups: InsideGroup[];
  areas?: { id: number; name: LocalText | string; share?: number }[] | null;
  square_km?: number | null;
  people?: number | null;
}
