import { describe, expect, test } from 'vitest';
import { deadlinesHref, deadlinesQuery, listHref, percent, readDay, readDeadlines, segments, sheetURL, type DeadlineFigures } from '../../src/lib/deadlines.ts';

const read = (s: string) => readDeadlines(new URLSearchParams(s));
const figures = (f: Partial<DeadlineFigures>): DeadlineFigures => ({ rows: 0, on_time: 0, late: 0, within: 0, past: 0, passed_on: 0, withdrawn: 0, late_passed_on: 0, withdrawn_past: 0, extensions: 0, extended: 0, after_first: 0, ...f });

describe('the filter in the address', () => {
  test('reads back what it wrote', () => {
    for (const s of ['', 'by=area&from=2026-11-01&to=2026-11-30&organisation=0&post=-&category=lamp&kind=hazard&what=task&area=2&only=true&status=late&list=1', 'from=-']) {
      expect(deadlinesHref(read(s))).toBe('/console/deadlines' + (s ? '?' + s : ''));
    }
  });
  test('drops what means nothing', () => {
    expect(read('by=account&from=soon&organisation=x&area=-1&status=lost&list=')).toEqual({});
    expect(read('post=crew&only=true&status=late')).toEqual({}); // a post without its organisation, an area's own without the area
    expect(read('by=organisation')).toEqual({});
  });
  test('becomes the API’s, without what is the page’s alone', () => {
    expect(deadlinesQuery(read('by=post&list=1&status=past'))).toEqual({ by: 'post', status: 'past' });
    expect(sheetURL(read('by=area&area=2'), 'zh-CN')).toBe('/api/v1/deadlines/export?by=area&area=2&lang=zh-CN');
  });
});

test('a figure leads to the limits behind it', () => {
  expect(listHref(read('by=area&area=2'), { area: '21' }, 'late')).toBe('/console/deadlines?by=area&area=21&status=late&list=1');
  expect(listHref(read('by=area&area=2'), { area: '2', only: 'true' })).toBe('/console/deadlines?by=area&area=2&only=true&list=1');
  // The area's own limits, by organisation: that it is its own only must not be lost.
  expect(listHref(read('area=2&only=true'), { organisation: '8' }, 'past')).toBe('/console/deadlines?organisation=8&area=2&only=true&status=past&list=1');
  // In the list of an area with those below, an area that was its own only is not any more.
  expect(listHref(read('by=area&area=2&only=true'), { area: '2' })).toBe('/console/deadlines?by=area&area=2&list=1');
});

test('a bar is as long as its parts together', () => {
  const s = segments(figures({ rows: 8, on_time: 4, late: 2, past: 1, withdrawn: 1 }), 400);
  expect(s.map((x) => [x.status, x.from, x.length])).toEqual([
    ['on-time', 0, 200],
    ['late', 200, 100],
    ['past', 300, 50],
    ['withdrawn', 350, 50],
  ]);
  expect(segments(figures({}), 400)).toEqual([]);
});

test('a day is read as people write it', () => {
  expect(['2026-11-30', ' 2026/11/3 ', '2026年11月3日', '', ' '].map(readDay)).toEqual(['2026-11-30', '2026-11-03', '2026-11-03', '', '']);
  expect(['30.11.2026', '2026-02-30', '2026-13-01', 'yesterday', '2026-11'].map(readDay)).toEqual([null, null, null, null, null]);
});

test('a share of nothing is no share', () => {
  expect([percent(undefined), percent(0), percent(1), percent(0.4286)]).toEqual(['', '0.0 %', '100.0 %', '42.9 %']);
});
