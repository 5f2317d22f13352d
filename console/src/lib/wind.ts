// Directions in words.

import type { Key } from './i18n.ts';

const POINTS: readonly Key[] = ['compass.n', 'compass.ne', 'compass.e', 'compass.se', 'compass.s', 'compass.sw', 'compass.w', 'compass.nw'];

/** The nearest of the eight points, of degrees clockwise from north. */
export function compass(degrees: number): Key {
  return POINTS[Math.round((((degrees % 360) + 360) % 360) / 45) % 8]!;
}

/** A probability as people read it: nothing is said to be certain, nor impossible. */
export function percent(p: number): number {
  return Math.min(Math.max(Math.round(100 * p), 1), 99);
}
