import { describe, expect, test } from 'vitest';
import { bounds, bucketCurve, bucketSummary, curve, lonely, marksOf, summary } from '../../src/lib/chart.ts';
import { plan, readView, shift, windowOf, within, writeView, zoom } from '../../src/lib/span.ts';
import { ticks } from '../../src/lib/ticks.ts';
import type { Bucket, Reading } from '../../src/lib/types.ts';

const at = (s: number) => new Date(s * 1000).toISOString();
const r = (s: number, value: number | string | boolean, ...marks: string[]): Reading => ({ at: at(s), value, ...(marks.length ? { marks } : {}) });
const b = (s: number, avg: number, count = 1): Bucket => ({ from: at(s), count, avg, min: avg - 1, max: avg + 1, last: avg });
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('a curve of readings', () => {
  test('is sorted, with a gap where readings are missing', () => {
    const c = curve([r(30, 3), r(10, 1), r(20, 2), r(200, 9), r(210, true)]);
    expect(c.x).toEqual([10, 20, 30, 115, 200, 210]);
    expect(c.line).toEqual([1, 2, 3, null, 9, 1]);
    expect(c.gaps).toEqual([[30, 200]]);
  });
  test('leaves out what is no number', () => {
    expect(curve([r(1, 'n/a'), r(2, '4.5')]).line).toEqual([4.5]);
    expect(summary([r(1, 'n/a')])).toBeNull();
  });
  test('goes past what no detector judges by, and marks all that is doubtful', () => {
    const c = curve([r(10, 1), r(10, 7, 'duplicate'), r(20, 2), r(30, 90, 'range'), r(40, 4, 'unit', 'past'), r(50, 5)]);
    expect(c.line).toEqual([1, undefined, 2, 90, undefined, 5]);
    expect(c.marked).toEqual([undefined, 7, undefined, 90, 4, undefined]);
    expect(c.gaps).toEqual([]);
  });
  test('rises also where a doubtful reading lies in a gap', () => {
    const c = curve([r(10, 1), r(20, 2), r(30, 3), r(300, 5, 'future'), r(400, 9)]);
    expect(c.x).toEqual([...c.x].sort((p, q) => p - q));
    expect(c.line.filter((v) => v === null)).toHaveLength(1);
  });
  test('is summed up in words', () => {
    expect(summary([r(1, 4), r(2, -1), r(3, 2), r(4, 99, 'future')])).toMatchObject({ n: 3, min: -1, max: 4, last: 2, lastAt: '1970-01-01T00:00:03.000Z' });
  });
  test('shows a reading that no line reaches', () => {
    expect(lonely([1, null, 2, 3, null, 4])).toEqual([0, 5]);
    expect(lonely([1, undefined, 2])).toEqual([]);
    expect(lonely([])).toEqual([]);
  });
  test('counts the marks, the most frequent first', () => {
    expect(marksOf([r(1, 1, 'range'), r(2, 2), r(3, 3, 'range', 'conflict')])).toEqual({ marked: 2, each: [['range', 2], ['conflict', 1]] });
  });
});

describe('a curve of intervals', () => {
  test('has each interval at its middle, a band, and a gap for one that is empty', () => {
    const c = bucketCurve([b(0, 1), b(60, 2), b(120, 3), b(240, 5), b(300, 6)], 60_000);
    expect(c.x).toEqual([30, 90, 150, 210, 270, 330]);
    expect(c.line).toEqual([1, 2, 3, null, 5, 6]);
    expect([c.low[0], c.high[0], c.low[3], c.high[3]]).toEqual([0, 2, null, null]);
    expect(c.gaps).toEqual([[180, 240]]);
  });
  test('takes the pace of an instrument that is slower than the intervals for no gap', () => {
    expect(bucketCurve([b(0, 1), b(180, 2), b(300, 3), b(480, 4), b(660, 5)], 60_000).gaps).toEqual([]);
  });
  test('is summed up', () => {
    expect(bucketSummary([b(0, 1, 5), b(60, 9, 7)])).toEqual({ n: 12, min: 0, max: 10, last: 9, lastAt: at(60) });
    expect(bucketSummary([])).toBeNull();
  });
  test('has a scale with some air', () => {
    expect(bounds(3, 3)).toEqual([2, 4]);
    expect(bounds(0.05, 10)[0]).toBe(0);
    expect(bounds(90, 100)[0]).toBe(89);
    expect(bounds(-1, 1)[0]).toBeLessThan(-1);
  });
});

describe('the time that a history shows', () => {
  const now = Date.parse('2026-11-28T04:00:00Z');
  test('ends now, or at the newest reading where nothing else would be seen', () => {
    expect(windowOf({ range: 'day', span: null }, { first: 0, latest: now - HOUR, now })).toEqual({ from: now - DAY, to: now, old: false });
    const old = windowOf({ range: 'week', span: null }, { first: 0, latest: now - 1000 * DAY, now });
    expect(old.old).toBe(true);
    expect(old.to - old.from).toBe(7 * DAY);
    expect(old.to).toBeGreaterThan(now - 1000 * DAY);
    expect(windowOf({ range: 'all', span: null }, { first: 5, latest: now, now })).toMatchObject({ from: 5, to: now + 1 });
    expect(windowOf({ range: 'day', span: { from: 1, to: 9 } }, { first: 0, latest: 0, now })).toMatchObject({ from: 1, to: 9 });
  });
  test('comes closer, goes back and moves on, within its limits', () => {
    const limits = { from: 0, to: 100 * HOUR };
    const s = { from: 40 * HOUR, to: 60 * HOUR };
    expect(zoom(s, 0.5, limits)).toEqual({ from: 45 * HOUR, to: 55 * HOUR });
    expect(zoom(s, 100, limits)).toEqual(limits);
    expect(zoom(s, 1e-9, limits)).toEqual({ from: 50 * HOUR - 30_000, to: 50 * HOUR + 30_000 });
    expect(shift(s, 0.5, limits)).toEqual({ from: 50 * HOUR, to: 70 * HOUR });
    expect(shift(s, -9, limits)).toEqual({ from: 0, to: 20 * HOUR });
    expect(within({ from: -5 * HOUR, to: 5 * HOUR }, limits)).toEqual({ from: 0, to: 10 * HOUR });
  });
  test('is asked for in intervals that a person can name, at whole ones of the city', () => {
    const s = { from: Date.parse('2022-10-31T10:07:00Z'), to: Date.parse('2022-11-30T10:07:00Z') };
    const p = plan(s, 700, 8 * HOUR);
    expect(p.width).toBe(3 * HOUR);
    expect((p.from + 8 * HOUR) % p.width).toBe(0);
    expect(p.from).toBeLessThanOrEqual(s.from);
    expect(p.to).toBeGreaterThanOrEqual(s.to);
    expect(p.to - p.from).toBe(p.count * p.width);
    expect(p.count).toBeLessThanOrEqual(352);
    // A curve that goes on keeps its intervals.
    expect(plan({ from: s.from + 1000, to: s.to + 1000 }, 700, 8 * HOUR)).toEqual(p);
    expect(plan({ from: 0, to: 900 * 365 * DAY }, 700, 0).count).toBeLessThanOrEqual(352);
  });
  test('stands in the address', () => {
    const v = { range: 'month' as const, span: { from: now - DAY, to: now } };
    const q = new URLSearchParams(Object.entries(writeView(v)).filter(([, x]) => x !== undefined) as [string, string][]);
    expect(readView(q)).toEqual(v);
    expect(writeView({ range: 'day', span: null })).toEqual({ range: undefined, from: undefined, to: undefined });
    expect(readView(new URLSearchParams('range=never&from=x&to=2022-01-01'))).toEqual({ range: 'day', span: null });
    expect(readView(new URLSearchParams('from=2022-01-02&to=2022-01-01')).span).toBeNull();
  });
});

describe('the marks of the axis', () => {
  const of = (from: string, to: string, zone: string, most: number) => ticks(Date.parse(from), Date.parse(to), zone, most).map((t) => t.label);
  test('are at round times of the city, with the date where it changes', () => {
    expect(of('2022-11-15T22:10:00Z', '2022-11-16T22:10:00Z', 'Asia/Shanghai', 8)).toEqual(['09:00\n2022-11-16', '12:00', '15:00', '18:00', '21:00', '00:00\n2022-11-17', '03:00', '06:00']);
    expect(of('2022-11-15T00:00:00Z', '2022-11-15T00:01:00Z', 'Asia/Kathmandu', 3)).toEqual(['05:45:00\n2022-11-15', '05:45:30', '05:46:00']);
  });
  test('are at midnight of the city, with the year where it changes', () => {
    expect(of('2021-12-30T00:00:00Z', '2022-01-03T00:00:00Z', 'Asia/Shanghai', 5)).toEqual(['12-31\n2021', '01-01\n2022', '01-02', '01-03']);
    const first = ticks(Date.parse('2022-10-01T00:00:00Z'), Date.parse('2022-11-30T00:00:00Z'), 'Asia/Shanghai', 10)[0]!;
    expect(new Date(first.at).toISOString()).toMatch(/T16:00/);
    expect(new Date(first.at + 8 * HOUR).getUTCDay()).toBe(1);
  });
  test('are months and years from afar', () => {
    expect(of('2022-01-15T00:00:00Z', '2022-12-15T00:00:00Z', 'Asia/Shanghai', 6)).toEqual(['2022-03', '2022-05', '2022-07', '2022-09', '2022-11']);
    expect(of('2001-01-15T00:00:00Z', '2022-12-15T00:00:00Z', 'Asia/Shanghai', 6)).toEqual(['2005', '2010', '2015', '2020']);
  });
  test('rise across a change to summer time and back', () => {
    for (const day of ['2026-03-29', '2026-10-25']) {
      const got = ticks(Date.parse(`${day}T00:00:00Z`) - 6 * HOUR, Date.parse(`${day}T00:00:00Z`) + 18 * HOUR, 'Europe/Berlin', 24);
      expect(got.length).toBeGreaterThanOrEqual(23);
      got.slice(1).forEach((t, i) => expect(t.at).toBeGreaterThan(got[i]!.at));
      for (const t of got) expect(new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Berlin', hour: '2-digit', minute: '2-digit' }).format(t.at)).toBe(t.label.slice(0, 5));
    }
  });
});
