import { expect, test } from 'vitest';
import { compass, percent } from '../../src/lib/wind.ts';

test('a direction is the nearest of eight points', () => {
  for (const [degrees, want] of [[0, 'n'], [22, 'n'], [23, 'ne'], [90, 'e'], [180, 's'], [270, 'w'], [337, 'nw'], [338, 'n'], [360, 'n'], [-45, 'nw']] as const) expect(compass(degrees)).toBe(`compass.${want}`);
});

test('no probability is said to be certain', () => {
  expect([0, 0.004, 0.5, 0.996, 1].map(percent)).toEqual([1, 1, 50, 99, 99]);
});
