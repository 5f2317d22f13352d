// The hazards that a warning can be about, until packs bring their own list.

import type { Key } from './i18n.ts';

export const HAZARDS: readonly [string, Key][] = [
  ['gas', 'hazard.gas'],
  ['flood', 'hazard.flood'],
  ['rainstorm', 'hazard.rainstorm'],
  ['typhoon', 'hazard.typhoon'],
  ['water', 'hazard.water'],
  ['air', 'hazard.air'],
  ['chemical', 'hazard.chemical'],
  ['fire', 'hazard.fire'],
  ['power', 'hazard.power'],
  ['other', 'hazard.other'],
];
