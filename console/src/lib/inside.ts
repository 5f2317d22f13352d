// What lies inside an area, as the API gives it.

import type { LocalText } from './types.ts';

export interface InsideKind {
  id: string;
  title: LocalText;
  /** Whom a danger meets first: schools, hospitals, care homes. */
  needs_care: boolean;
  count: number;
  items: { type: 'place' | 'asset'; id: number; name: LocalText }[];
}

export interface Inside {
  places: number;
  assets: number;
  kinds: InsideKind[];
  left_out?: number;
  /** Null where the register has no number for any of it. */
  residents: { shown: LocalText; complete: boolean; from: { area: number; name: LocalText; year: number; source: string }[] } | null;
  areas: { id: number; name: LocalText; share: number }[];
}
