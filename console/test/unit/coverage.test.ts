import { describe, expect, test } from 'vitest';
import { blind, cellOf, COVERAGE_STATES, coverageHref, coverageQuery, everyMs, mapFeatures, markOf, needed, readCoverage, type Counts, type CoverageTotals } from '../../src/lib/coverage.ts';

const read = (s: string) => readCoverage(new URLSearchParams(s));
const counts = (c: Partial<Counts>): Counts => ({ assets: 0, watched: 0, partly: 0, mute: 0, unwatched: 0, works: 0, none: 0, late: 0, unjudged: 0, overdue: 0, due_soon: 0, ...c });

describe('the filter in the address', () => {
  test('reads back what it wrote, and nothing that is not there', () => {
    for (const s of ['', 'kind=gas%2Fmain&area=12&state=mute&only=overdue&q=a+b&sel=7']) {
      const href = coverageHref(read(s));
      expect(href).toBe('/console/coverage' + (s ? '?' + s : ''));
    }
    expect(read('state=green&only=all&area=x&sel=-1')).toEqual({ kind: '', area: 0, state: '', only: '', q: '', sel: 0 });
  });
  test('becomes the API’s, where the totals keep all states', () => {
    const f = read('kind=gas&area=2&state=mute&only=overdue&q=x');
    expect(coverageQuery(f)).toEqual({ kind: 'gas', area: 2, q: 'x', state: 'mute', calibration: 'overdue', late: undefined, unjudged: undefined });
    expect(coverageQuery(f, true)).toEqual({ kind: 'gas', area: 2, q: 'x' });
    expect(coverageQuery(read('only=late')).late).toBe('true');
    expect(coverageQuery(read('only=unjudged')).unjudged).toBe('true');
  });
});

test('what is silent is hatched, what is missing a broken ring, and nothing else looks like either', () => {
  expect(COVERAGE_STATES.map(markOf)).toEqual(['unknown', 'silent', 'unknown', 'silent', 'ok', 'ok']);
  const f = mapFeatures({ type: 'FeatureCollection', features: [{ type: 'Feature', geometry: { type: 'Point', coordinates: [1, 2] }, properties: { id: 1, state: 'mute' } }] });
  expect(f.features[0]!.properties).toEqual({ id: 1, state: 'silent' });
});

test('what measures nothing is not needed, and works are not blind', () => {
  const c = counts({ assets: 10, none: 3, unwatched: 2, mute: 1, works: 1, watched: 3 });
  expect([needed(c), blind(c)]).toEqual([7, 3]);
});

test('cells are found by kind and area', () => {
  const at = cellOf({ cells: [{ kind: 'gas/main', area: 2, ...counts({ assets: 4 }) }] } as unknown as CoverageTotals);
  expect(at('gas/main', 2)?.assets).toBe(4);
  expect(at('gas/main', 3)).toBeUndefined();
});

test('intervals as the API writes them', () => {
  expect([everyMs('PT10M'), everyMs('P1D'), everyMs('P1DT2H'), everyMs('PT1.5S'), everyMs('PT40M0S'), everyMs('soon')]).toEqual([600_000, 86_400_000, 93_600_000, 1500, 2_400_000, 0]);
});
