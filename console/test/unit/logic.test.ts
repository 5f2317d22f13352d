import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Batch, empty, load, merge, put, settle } from '../../src/lib/feed.ts';
import { areas, bounds, coordinates, isRoad, isWater, labels, matches, middle, parseCoordinates, tiers } from '../../src/lib/geo.ts';
import { command, COMMANDS, type Press } from '../../src/lib/keys.ts';
import { evidenceMet, moveBody } from '../../src/lib/moves.ts';
import { read } from '../../src/lib/prefs.ts';
import { filterHref, href, parse, readFilter, TABS } from '../../src/lib/router.ts';
import { ALERT_SHAPE, alertWeight, byLevel, due, LEVELS, worst } from '../../src/lib/scales.ts';
import { clock, duration, endOfShift, fromLocalInput, full, offset, ServerClock, short, toLocalInput } from '../../src/lib/time.ts';
import { balance, inFlight, incident, median, missed, toCome } from '../../src/lib/watch.ts';
import { duty, listener, mark, person, reportState, role } from '../../src/lib/words.ts';
import type { Area, CaseDetail, Move } from '../../src/lib/types.ts';

describe('a list that stands still', () => {
  const item = (id: number, v = 0) => ({ id, v });
  const byValue = (a: { v: number }, b: { v: number }) => b.v - a.v;

  test('new rows wait, known rows change in place, lost rows are marked', () => {
    const before = load([item(1, 1), item(2, 9), item(3, 5)], byValue);
    expect(before.rows.map((r) => r.item.id)).toEqual([2, 3, 1]);
    const after = merge(before, [item(4, 99), item(1, 50), item(2, 9)], byValue);
    expect(after.rows).toEqual([
      { item: item(2, 9), gone: false, placed: item(2, 9) },
      { item: item(3, 5), gone: true, placed: item(3, 5) },
      { item: item(1, 50), gone: false, placed: item(1, 1) },
    ]);
    expect(after.waiting).toEqual([item(4, 99)]);
  });

  test('a row that comes back is no longer gone', () => {
    const gone = merge(load([item(1), item(2)], byValue), [item(2)], byValue);
    expect(merge(gone, [item(1), item(2)], byValue).rows.some((r) => r.gone)).toBe(false);
  });

  test('settling arranges anew', () => {
    const f = settle(merge(load([item(1, 1), item(2, 2)], byValue), [item(2, 2), item(3, 3)], byValue), byValue);
    expect(f.rows.map((r) => r.item.id)).toEqual([3, 2]);
    expect(f.waiting).toEqual([]);
  });

  test('what was empty shows at once, since nothing can move', () => {
    expect(merge(empty<{ id: number; v: number }>(), [item(1)], byValue).rows).toHaveLength(1);
  });

  test('put changes a row or a waiting one, and never adds', () => {
    const f = merge(load([item(1)], byValue), [item(1), item(2)], byValue);
    expect(put(f, item(1, 7)).rows[0]!.item.v).toBe(7);
    expect(put(f, item(2, 7)).waiting[0]!.v).toBe(7);
    expect(put(f, item(9)).rows).toHaveLength(1);
    // What has left the listing stays marked, with its last word.
    const left = merge(load([item(1), item(2)], byValue), [item(2)], byValue);
    expect(put(left, item(1, 8)).rows.find((r) => r.item.id === 1)).toEqual({ item: item(1, 8), gone: true, placed: item(1) });
  });
});

describe('a batch', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('makes one run of a burst, and keeps its distance', async () => {
    let runs = 0;
    const b = new Batch(async () => void runs++, 100, 1_000);
    for (let i = 0; i < 5_000; i++) b.call();
    await vi.advanceTimersByTimeAsync(100);
    expect(runs).toBe(1);
    b.call();
    await vi.advanceTimersByTimeAsync(999);
    expect(runs).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(runs).toBe(2);
  });

  test('what is called during a run runs once after it', async () => {
    let release!: () => void;
    let runs = 0;
    const b = new Batch(
      () => {
        runs++;
        return new Promise<void>((ok) => (release = ok));
      },
      0,
      0,
    );
    b.call();
    await vi.advanceTimersByTimeAsync(0);
    b.call();
    b.call();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(runs).toBe(1);
    release();
    await vi.advanceTimersByTimeAsync(0);
    expect(runs).toBe(2);
    b.stop();
  });
});

describe('addresses', () => {
  const at = (path: string) => new URL(path, 'http://anlan.test');

  test('name pages', () => {
    expect(parse(at('/console/')).page).toBe('operations');
    expect(parse(at('/console')).page).toBe('operations');
    expect(parse(at('/console/cases/12'))).toMatchObject({ page: 'case', id: 12 });
    expect(parse(at('/console/assets/7/'))).toMatchObject({ page: 'asset', id: 7 });
    expect(parse(at('/console/cases/x')).page).toBe('not-found');
  });

  test('hold the whole filter, both ways', () => {
    for (const tab of TABS) {
      const f = { tab, state: 'all', levels: ['red', 'blue'], area: 12, q: '燃气 3', rest: 'rests', selected: { kind: 'case', id: 4 }, view: 'map' } as const;
      expect(readFilter(at(filterHref({ ...f, levels: [...f.levels] })).searchParams)).toEqual(f);
    }
  });

  test('are short for the default and safe for nonsense', () => {
    const f = readFilter(new URLSearchParams('tab=x&state=y&levels=red,pink&area=-3&sel=person:4&view=z'));
    expect(f).toEqual({ tab: 'alerts', state: 'open', levels: ['red'], area: 0, q: '', rest: '', selected: null, view: 'list' });
    expect(filterHref({ ...f, levels: [] })).toBe('/console/');
    expect(href('assets', { q: '', kind: 'a b' })).toBe('/console/assets?kind=a+b');
  });
});

describe('times', () => {
  const t = new Date('2026-11-23T06:05:09Z');

  test('in the city’s zone, with the offset, in 24 hours', () => {
    expect(full(t, 'Asia/Shanghai')).toBe('2026-11-23 14:05:09 +08:00');
    expect(full(t, 'America/St_Johns')).toBe('2026-11-23 02:35:09 -03:30');
    expect(full(new Date('2026-07-01T22:30:00Z'), 'Europe/London')).toBe('2026-07-01 23:30:00 +01:00');
    expect(clock(new Date('2026-11-22T16:00:00Z'), 'Asia/Shanghai')).toBe('00:00:00');
    expect(offset(t, 'UTC')).toBe('+00:00');
  });

  test('short says the day only when it is another', () => {
    const s = (iso: string) => short(new Date(iso), t, 'Asia/Shanghai');
    expect(s('2026-11-22T16:00:00Z')).toBe('00:00');
    expect(s('2026-11-22T15:59:00Z')).toBe('11-22 23:59');
    expect(s('2025-12-31T15:59:00Z')).toBe('2025-12-31 23:59');
  });

  test('durations in two units', () => {
    const m = 60_000;
    expect([0, 59_999, m, 59 * m, 60 * m, 61 * m, 24 * 60 * m, 26 * 60 * m, 12 * 24 * 60 * m + 5 * 60 * m].map((d) => duration(d, 'en'))).toEqual(['0 s', '59 s', '1 min', '59 min', '1 h', '1 h 1 min', '1 d', '1 d 2 h', '12 d']);
    expect(duration(200 * m, 'zh-CN')).toBe('3小时20分钟');
    expect(duration(-200 * m, 'en')).toBe('3 h 20 min');
  });

  test('what an officer writes is the city’s time', () => {
    expect(fromLocalInput('2026-11-23 14:05', 'Asia/Shanghai')!.toISOString()).toBe('2026-11-23T06:05:00.000Z');
    expect(fromLocalInput(' 2026-11-3 9:05 ', 'Asia/Shanghai')!.toISOString()).toBe('2026-11-03T01:05:00.000Z');
    expect(fromLocalInput('2026-11-23 14：05', 'Asia/Shanghai')).not.toBeNull();
    expect(fromLocalInput('2026-07-01 12:00', 'Europe/London')!.toISOString()).toBe('2026-07-01T11:00:00.000Z');
    for (const bad of ['', '14:05', '2026-02-30 10:00', '2026-13-01 10:00', '2026-11-23 24:05', '2026-11-23 14:60', 'tomorrow']) expect(fromLocalInput(bad, 'Asia/Shanghai'), bad).toBeNull();
  });

  test('writing and reading back is the identity, in every zone and across summer time', () => {
    for (const zone of ['Asia/Shanghai', 'Europe/London', 'Asia/Kathmandu', 'America/St_Johns', 'Australia/Lord_Howe'])
      for (let h = 0; h < 24 * 366; h += 7) {
        const at = new Date(Date.UTC(2026, 0, 1, h));
        const back = fromLocalInput(toLocalInput(at, zone), zone)!;
        // The hour that occurs twice in autumn may come back as its other self.
        expect(toLocalInput(back, zone), `${zone} ${at.toISOString()}`).toBe(toLocalInput(at, zone));
      }
  });

  test('a shift ends at eight, morning and evening, by the city’s clock', () => {
    const end = (iso: string, zone = 'Asia/Shanghai') => toLocalInput(endOfShift(new Date(iso), zone), zone);
    expect(end('2026-11-23T06:05:09Z')).toBe('2026-11-23 20:00');
    expect(end('2026-11-23T13:05:09Z')).toBe('2026-11-24 08:00');
    expect(end('2026-11-23T20:05:09Z')).toBe('2026-11-24 08:00');
    expect(end('2026-11-23T11:55:00Z')).toBe('2026-11-24 08:00'); // as good as over
    expect(end('2026-12-31T23:30:00Z', 'America/St_Johns')).toBe('2027-01-01 08:00');
  });

  test('the server’s clock is followed, not ours', () => {
    let local = 1_000;
    const c = new ServerClock(() => local);
    expect(c.now().getTime()).toBe(1_000);
    c.sample('2026-11-23T06:05:09Z');
    local += 2_000;
    expect(c.now().toISOString()).toBe('2026-11-23T06:05:11.000Z');
    c.sample('nonsense');
    expect(c.now().toISOString()).toBe('2026-11-23T06:05:11.000Z');
  });
});

describe('scales', () => {
  test('every level has a shape of its own', () => {
    expect(new Set(LEVELS.map((l) => ALERT_SHAPE[l])).size).toBe(4);
  });
  test('order, worst, weight', () => {
    expect(['blue', 'red', null, 'yellow', 'orange'].sort((a, b) => byLevel(a as never, b as never))).toEqual(['red', 'orange', 'yellow', 'blue', null]);
    expect(worst(['blue', null, 'orange'])).toBe('orange');
    expect(worst([])).toBeNull();
    expect((['raised', 'acknowledged', 'cleared'] as const).map((s) => alertWeight(s))).toEqual(['solid', 'outline', 'faint']);
    expect((['raised', 'acknowledged', 'cleared'] as const).map((s) => alertWeight(s, true))).toEqual(['outline', 'outline', 'faint']);
  });
  test('deadlines', () => {
    const now = new Date('2026-11-23T06:00:00Z');
    expect(due('2026-11-23T05:59:59Z', null, now)).toBe('over');
    expect(due('2026-11-23T06:59:00Z', null, now)).toBe('near');
    expect(due('2026-11-23T07:00:00Z', null, now)).toBe('fine');
    expect(due('2026-11-23T05:00:00Z', '2026-11-23T04:00:00Z', now)).toBe('none');
    expect(due(null, null, now)).toBe('none');
  });
});

describe('keys', () => {
  const press = (key: string, over: Partial<Press> = {}): Press => ({ key, ctrlKey: false, metaKey: false, altKey: false, on: { tag: 'body', editable: false }, dialogOpen: false, ...over });

  test('each key does its own thing and can be switched off', () => {
    for (const c of COMMANDS) {
      expect(command(press(c.key), [])).toBe(c.command);
      expect(command(press(c.key), [c.command])).toBeNull();
    }
    expect(new Set(COMMANDS.map((c) => c.key)).size).toBe(COMMANDS.length);
  });
  test('nothing happens while typing, composing, with a modifier or in a dialog', () => {
    for (const over of [{ on: { tag: 'input', editable: false } }, { on: { tag: 'textarea', editable: false } }, { on: { tag: 'div', editable: true } }, { ctrlKey: true }, { metaKey: true }, { altKey: true }, { isComposing: true }, { dialogOpen: true }]) expect(command(press('a', over), []), JSON.stringify(over)).toBeNull();
  });
  test('Enter belongs to what has the focus', () => {
    expect(command(press('Enter', { on: { tag: 'a', editable: false } }), [])).toBeNull();
    expect(command(press('j', { on: { tag: 'a', editable: false } }), [])).toBe('next');
  });
});

test('preferences survive whatever stands in the store', () => {
  expect(read(null, ['zh-CN'])).toEqual({ lang: 'zh-CN', theme: 'auto', off: [], sound: false });
  expect(read('{broken', ['en'])).toMatchObject({ lang: 'en' });
  expect(read('null', ['en'])).toMatchObject({ lang: 'en' });
  expect(read('{"lang":"fr","theme":"pink","off":["next",3,"nonsense"],"sound":"yes"}', ['en'])).toEqual({ lang: 'en', theme: 'auto', off: ['next'], sound: false });
});

describe('the picture', () => {
  const square = (x: number, y: number, s: number): GeoJSON.Polygon => ({ type: 'Polygon', coordinates: [[[x, y], [x + s, y], [x + s, y + s], [x, y + s], [x, y]]] });
  const area = (id: number, parent: number | null, level = 'x'): Area => ({ id, external_id: String(id), level, name: { en: `A${id}` }, parent, geometry: square(id, 0, 1) });

  test('districts are the top, unless one area holds them all', () => {
    expect([...tiers([area(1, null), area(2, null), area(3, 1), area(4, 3)]).values()]).toEqual([0, 0, 1, 2]);
    expect([...tiers([area(1, null), area(2, 1), area(3, 1), area(4, 3)]).values()]).toEqual([-1, 0, 0, 1]);
    expect([...tiers([area(1, null)]).values()]).toEqual([0]);
  });
  test('a circle of parents ends', () => {
    expect([...tiers([area(1, null), area(7, null), area(8, 9), area(9, 8)]).values()]).toEqual([0, 0, 10, 10]);
  });
  test('labels lie in the middle of the largest part', () => {
    expect(middle(square(10, 20, 2))).toEqual([11, 21]);
    expect(middle({ type: 'MultiPolygon', coordinates: [square(0, 0, 1).coordinates, square(10, 10, 4).coordinates] })).toEqual([12, 12]);
    expect(middle(null)).toBeNull();
    expect(labels(areas([area(4, null)], 'en')).features[0]!.geometry).toEqual({ type: 'Point', coordinates: [4.5, 0.5] });
  });
  test('bounds', () => {
    expect(bounds(areas([area(1, null), area(5, null)], 'en'))).toEqual([1, 0, 6, 1]);
    expect(bounds({ type: 'FeatureCollection', features: [] })).toBeNull();
  });
  test('coordinates as people say them', () => {
    expect(coordinates([123.456789, 31.2])).toBe('31.20000, 123.45679');
    expect(parseCoordinates('31.2, 123.4')).toEqual([123.4, 31.2]);
    expect(parseCoordinates('31.2，123.4')).toEqual([123.4, 31.2]);
    for (const bad of ['', '31.2', '91, 10', 'a, b']) expect(parseCoordinates(bad), bad).toBeNull();
  });
  test('what is water and what is a road', () => {
    expect([isWater('river'), isWater('river-2'), isWater('water-plant'), isWater(null), isRoad('road-section'), isRoad('railroad')]).toEqual([true, true, false, false, true, false]);
  });
  test('search takes all words in any order', () => {
    expect(matches('Methane Gangwan 港湾区', 'gang METH')).toBe(true);
    expect(matches('Methane Gangwan', 'gang x')).toBe(false);
    expect(matches('x', '')).toBe(true);
  });
});

describe('moves', () => {
  const move: Move = {
    name: 'plan',
    title: { en: 'Plan' },
    allowed: true,
    requires: [
      { field: 'funds', kind: 'number', title: { en: 'Funds' } },
      { field: 'by', kind: 'time', title: { en: 'By' } },
      { field: 'why', kind: 'text', title: { en: 'Why' } },
      { evidence: 'photo', title: { en: 'Photo' } },
    ],
  };
  test('fields go out with their types', () => {
    expect(moveBody(move, { funds: '12,500', by: '2026-12-01 18:00', why: ' x ', other: 'no' }, ' ', 'Asia/Shanghai')).toEqual({ move: 'plan', fields: { funds: 12500, by: '2026-12-01T10:00:00.000Z', why: 'x' } });
    expect(moveBody(move, { funds: 'much', by: 'soon' }, 'n', 'Asia/Shanghai')).toEqual({ move: 'plan', fields: { funds: 'much', by: 'soon' }, note: 'n' });
  });
  test('evidence counts only when it is newer than the last move', () => {
    const item = {
      opened_at: '2026-11-23T01:00:00Z',
      timeline: [{ id: 1, kind: 'move', at: '2026-11-23T03:00:00Z' }],
      evidence: [{ id: 1, kind: 'photo', at: '2026-11-23T02:00:00Z' }],
    } as CaseDetail;
    const photo = move.requires![3]!;
    expect(evidenceMet(item, photo)).toBe(false);
    expect(evidenceMet({ ...item, evidence: [{ id: 2, kind: 'photo', at: '2026-11-23T03:00:01Z' }] }, photo)).toBe(true);
    expect(evidenceMet({ ...item, since: '2026-11-23T01:30:00Z' }, photo)).toBe(true);
    expect(evidenceMet(item, { ...photo, met: true })).toBe(true);
    expect(evidenceMet({ ...item, evidence: [{ id: 2, kind: 'note', at: '2026-11-23T03:00:01Z' }] }, photo)).toBe(false);
  });
});

describe('the watch', () => {
  const total = { in: 10, accepted: 8, refused: 2, logged: 8, stored: 7, deleted: 1, evaluated: 8, lag: 0 };
  test('sums hold or are off by a figure', () => {
    expect(balance(total).map((l) => l.off)).toEqual([0, 0, 0]);
    expect(balance({ ...total, stored: 5 }).map((l) => l.off)).toEqual([0, 0, 2]);
    expect(balance({ ...total, refused: 3 }).map((l) => l.off)).toEqual([-1, 0, 0]);
  });
  test('what MQTT has not finished is on its way, and never less than nothing', () => {
    expect(inFlight({ listener: 'tcp', received: 10, accepted: 6, refused: 2, failed: 1 })).toBe(1);
    expect(inFlight({ listener: 'tcp', received: 1, accepted: 2, refused: 0, failed: 0 })).toBe(0);
  });
  test('median', () => {
    expect([median([]), median([null, 3]), median([1, 9, 2]), median([1, 2, 3, 4])]).toEqual([null, 3, 2, 2.5]);
  });
  test('an incident as the simulator scores it', () => {
    expect(incident({ id: 'a', kind: 'gas', name: { en: 'Leak' }, start: 's', harmful_at: 'h', found: true, raised_at: 'r', minutes_of_warning: -2 })).toEqual({ name: { en: 'Leak' }, began: 's', found: 'r', minutes: -2 });
    expect(incident({ id: 'a', name: { en: 'Leak' }, start: 's', found: false })).toEqual({ name: { en: 'Leak' }, began: 's', found: null, minutes: null });
  });
  test('what is planted for later is not subtracted twice', () => {
    expect(missed({ missed: 3 }, 2)).toBe(1);
    expect(missed({ missed: 1, pending: 2 }, 2)).toBe(1);
  });
  test('what is planted for later is not missed', () => {
    const at = (began: string) => ({ name: '', began, found: null, minutes: null });
    expect(toCome([at('2026-11-23T06:00:00Z'), at('2026-11-23T06:00:01Z')], new Date('2026-11-23T06:00:00Z'))).toBe(1);
  });
  test('an incident, whichever words are used', () => {
    expect(incident({ id: 'leak-1', began: 'b', first_alert_at: 'f', minutes: 3 })).toEqual({ name: 'leak-1', began: 'b', found: 'f', minutes: 3 });
    expect(incident({ title: { en: 'x' } })).toEqual({ name: { en: 'x' }, began: '', found: null, minutes: null });
  });
});

test('an unknown word is shown as it came', () => {
  const t = (k: string) => `<${k}>`;
  expect([duty('regulator', t), duty('new-kind', t), role('inspector', t), role('x', t), person('demo-duty-officer', t), person('Lin', t), reportState('open', t), reportState('y', t), mark('range', t), mark('z', t), listener('hook', t), listener('coap', t)]).toEqual(['<duty.regulator>', 'new-kind', '<role.inspector>', 'x', '<person.demo_duty>', 'Lin', '<report.state.open>', 'y', '<mark.range>', 'z', '<listener.hook>', 'coap']);
});
