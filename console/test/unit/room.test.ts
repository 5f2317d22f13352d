import { describe, expect, test } from 'vitest';
import { corners, drawing, groupOf, join, mayCancel, newest, nudge, parseShape, shown, steps, typed, type Commitment, type ResourceRequest, type RoomEntry, type RoomMark } from '../../src/lib/room.ts';
import { conditions } from '../../src/lib/lesson.ts';

const entry = (id: number, by: number, kind: string, program = false): RoomEntry => ({ id, at: '2026-11-23T04:00:00Z', by, kind, program });

describe('the timeline of a room', () => {
  const all = [entry(1, 0, 'alert', true), entry(2, 40, 'log'), entry(3, 41, 'decision'), entry(4, 40, 'note'), entry(5, 0, 'log')];
  test('is filtered by agency and kind, newest first', () => {
    expect(shown(all, { agency: -1, group: '' }).map((e) => e.id)).toEqual([5, 4, 3, 2, 1]);
    expect(shown(all, { agency: 40, group: '' }).map((e) => e.id)).toEqual([4, 2]);
    expect(shown(all, { agency: -1, group: 'log' }).map((e) => e.id)).toEqual([5, 4, 2]);
    // What the program wrote is nobody's, not the city watch's.
    expect(shown(all, { agency: 0, group: '' }).map((e) => e.id)).toEqual([5]);
  });
  test('a kind that nobody has heard of is still shown', () => expect(groupOf('volcano')).toBe('other'));
  test('joined parts hold each entry once, in order', () => {
    const parts = join(all.slice(2), join(all.slice(0, 3), all.slice(1, 4)));
    expect(parts.map((e) => e.id)).toEqual([1, 2, 3, 4, 5]);
    expect(newest(parts)).toBe(5);
    expect(newest([])).toBe(0);
  });
});

describe('a shape that is typed', () => {
  test('one line is a point, more are a line or an area', () => {
    expect(parseShape('31.2, 121.5', false)).toEqual({ type: 'Point', coordinates: [121.5, 31.2] });
    expect(parseShape('31.2, 121.5\n31.3，121.6\n', false)).toEqual({ type: 'LineString', coordinates: [[121.5, 31.2], [121.6, 31.3]] });
    expect(parseShape('31.2, 121.5\n31.3, 121.6\n31.2, 121.6', true)).toEqual({ type: 'Polygon', coordinates: [[[121.5, 31.2], [121.6, 31.3], [121.6, 31.2], [121.5, 31.2]]] });
  });
  test('what is no shape is none', () => {
    for (const [text, area] of [['', false], ['somewhere', false], ['31.2, 121.5\nthere', false], ['31.2, 121.5\n31.3, 121.6', true], ['91, 0', false], ['31.2, 121.5', true]] as const) expect(parseShape(text, area), text).toBeNull();
  });
  test('comes back as it was', () => {
    for (const [text, area] of [['31.200000, 121.500000', false], ['31.200000, 121.500000\n31.300000, 121.600000\n31.200000, 121.600000', true]] as const) expect(typed(corners(parseShape(text, area)!))).toBe(text);
  });
  test('arrows move every corner by metres', () => {
    const there = nudge('31.2, 121.5\n31.3, 121.6', 100, -100);
    const [a, b] = there.split('\n').map((l) => l.split(', ').map(Number));
    expect(a![0]).toBeCloseTo(31.2 - 100 / 111_195, 5);
    expect(a![1]).toBeCloseTo(121.5 + 100 / (111_195 * Math.cos((31.2 * Math.PI) / 180)), 5);
    expect(b![0]).toBeCloseTo(31.3 - 100 / 111_195, 5);
    expect(nudge('half a li', 10, 10)).toBe('half a li');
  });
  test('is drawn beside the marks, and told apart', () => {
    const mark = { id: 7, kind: 'cordon', label: 'x', shape: { type: 'Point', coordinates: [1, 2] } } as unknown as RoomMark;
    const f = drawing([mark], { type: 'Point', coordinates: [3, 4] }, 7).features;
    expect(f.map((x) => [x.properties!.draft, x.properties!.chosen])).toEqual([[false, true], [true, false]]);
  });
});

test('only conditions that are filled in are sent', () => {
  expect(conditions([{ property: ' made ', is: 'below', value: '2015 ' }, { property: '', is: 'equal', value: 'x' }, { property: 'make', is: 'equal', value: ' ' }])).toEqual([{ property: 'made', is: 'below', value: '2015' }]);
});

describe('who may do what with a resource', () => {
  const given = (state: Commitment['state'], organisation = 7): Commitment => ({ id: 1, organisation, quantity: 2, eta: null, state, entry: 3 });
  const request = (commitments: Commitment[], cancelled = false): ResourceRequest => ({ id: 4, what: 'pump', kind: 'equipment', quantity: 2, needed_by: null, organisation: 5, at: '', entry: 2, cancelled, commitments, committed: 0, arrived: 0, released: 0, open: 2 });

  test('is cancelled by who asked, or by the watch, with nothing under way', () => {
    expect([0, 5, 7].map((by) => mayCancel(request([]), by))).toEqual([true, true, false]);
    expect(mayCancel(request([given('declined'), given('withdrawn'), given('released')]), 5)).toBe(true);
    expect(mayCancel(request([given('committed')]), 5)).toBe(false);
    expect(mayCancel(request([given('arrived')]), 0)).toBe(false);
    expect(mayCancel(request([], true), 5)).toBe(false);
  });

  test('is taken back by who gave it, and has come or gone in the words of either', () => {
    const at = (state: Commitment['state'], by: number) => steps(request([given(state)]), given(state), by);
    expect([0, 5, 7, 9].map((by) => at('committed', by))).toEqual([['arrive', 'withdraw'], ['arrive'], ['arrive', 'withdraw'], []]);
    expect([0, 5, 7, 9].map((by) => at('arrived', by))).toEqual([['release'], ['release'], ['release'], []]);
    expect(at('released', 7)).toEqual([]);
  });
});
