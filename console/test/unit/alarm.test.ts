import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Crier, flood, FLOOD_SPAN, fold, news, reasons, rests, section, urgent } from '../../src/lib/alarm.ts';
import { load, merge } from '../../src/lib/feed.ts';
import { Bell } from '../../src/lib/sound.ts';
import { step, whyRests } from '../../src/lib/words.ts';
import type { Alert, AlertStep } from '../../src/lib/types.ts';

const NOW = new Date('2026-11-23T06:00:00Z');
const before = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000).toISOString();
const alert = (id: number, over: Partial<Alert> = {}): Alert => ({ id, detector: 'gas/x', title: { en: `A${id}` }, level: 'yellow', state: 'raised', since: before(5), raised_at: before(5), ...over });
const shelf = (over: Partial<NonNullable<Alert['shelf']>> = {}) => ({ shelf: 1, until: before(-30), reason: 'Valve is being changed', by: 'Lin Hai', over_at: null, ...over });
const works = { works: 3, reason: 'Hose replaced', from: before(10), until: before(-120), rests: true };

test('an alert rests until its works end, whoever is late to say so', () => {
  const works = { works: 3, reason: 'Hose replaced', from: '2026-11-23T06:00:00Z', until: '2026-11-23T08:00:00Z', rests: true };
  const at = (hm: string) => new Date(`2026-11-23T${hm}:00Z`);
  expect(rests({ state: 'raised', works })).toBe(true);
  expect(rests({ state: 'acknowledged', works }, at('07:59'))).toBe(true);
  expect(rests({ state: 'raised', works }, at('08:00'))).toBe(false);
  expect(rests({ state: 'cleared', works }, at('07:00'))).toBe(false);
  expect(rests({ state: 'raised', works: { ...works, rests: false } }, at('07:00'))).toBe(false);
  expect(rests({ state: 'raised', works: null })).toBe(false);
  expect(rests({ state: 'raised' })).toBe(false);
});


test('an alert rests for three reasons, each with its own end', () => {
  expect(reasons(alert(1, { works, shelf: shelf(), design: { alert: 2, title: { en: 'Main burst' } } }), NOW)).toEqual(['works', 'shelf', 'design']);
  expect(reasons(alert(1, { shelf: shelf({ until: before(0) }) }), NOW)).toEqual([]);
  expect(reasons(alert(1, { shelf: shelf({ over_at: before(1) }) }))).toEqual([]);
  expect(reasons(alert(1, { design: { alert: 2, title: {}, over_at: before(1) } }))).toEqual([]);
  expect(reasons(alert(1, { state: 'cleared', shelf: shelf() }))).toEqual([]);
});

describe('alerts of one cause', () => {
  const rows = (...alerts: Alert[]) => load(alerts, urgent).rows;
  const shape = (...alerts: Alert[]) => fold(rows(...alerts), NOW).map((g) => [g.head.item.id, ...g.members.map((m) => m.item.id)]);

  test('fold under the one that leads, where the most urgent of them stands', () => {
    expect(shape(alert(1, { level: 'blue' }), alert(2, { level: 'red', lead: 1 }), alert(3, { level: 'orange' }), alert(4, { lead: 1 }))).toEqual([[1, 2, 4], [3]]);
  });
  test('fold under another when the lead is not listed, is over, or rests while others count', () => {
    expect(shape(alert(2, { lead: 1 }), alert(4, { level: 'red', lead: 1 }))).toEqual([[4, 2]]);
    expect(shape(alert(1, { state: 'cleared' }), alert(2, { lead: 1 }))).toEqual([[2, 1]]);
    expect(shape(alert(1, { level: 'red', shelf: shelf() }), alert(2, { lead: 1 }))).toEqual([[2, 1]]);
    expect(shape(alert(1, { shelf: shelf() }), alert(2, { lead: 1, shelf: shelf() }))).toEqual([[1, 2]]);
  });
  test('lose none and show none twice', () => {
    const all = Array.from({ length: 60 }, (_, i) => alert(i + 1, { lead: i % 3 ? (i % 7) + 1 : 0, state: i % 5 ? 'raised' : 'cleared', level: (['red', 'orange', 'none'] as const)[i % 3]! }));
    expect(shape(...all).flat().sort((a, b) => a - b)).toEqual(all.map((a) => a.id));
  });
  test('are parted by the level that gave them their place; a change of level moves none', () => {
    const was = load([alert(1, { level: 'red' }), alert(2, { level: 'blue' }), alert(3, { lead: 2, level: 'orange' }), alert(4, { level: 'red', shelf: shelf() }), alert(5, { state: 'cleared' })], urgent);
    expect(fold(was.rows, NOW).map(section)).toEqual(['red', 'orange', 'rest', 'cleared']);
    const now = merge(was, [alert(1, { level: 'yellow' }), alert(2, { level: 'red' }), alert(3, { lead: 2, level: 'orange' })], urgent);
    expect(fold(now.rows, NOW).map(section)).toEqual(['red', 'orange', 'rest', 'cleared']);
  });
});

describe('a flood', () => {
  const at = (...minutes: number[]) => minutes.map((m, i) => alert(i + 1, { raised_at: before(m) }));
  const burst = (n: number, minutes: number) => Array.from({ length: n }, (_, i) => minutes + i / 100);

  test('is more than ten in ten minutes', () => {
    expect(flood(at(...burst(10, 1)), NOW)).toBeNull();
    expect(flood(at(...burst(11, 1)), NOW)).toEqual({ since: new Date(before(1)), n: 11 });
    expect(flood(at(...burst(6, 1), ...burst(6, 12)), NOW)).toBeNull();
    expect(flood([], NOW)).toBeNull();
  });
  test('lasts until fewer than five come in ten minutes', () => {
    expect(flood(at(...burst(11, 11), ...burst(5, 8)), NOW)).toMatchObject({ n: 5 });
    expect(flood(at(...burst(11, 11), ...burst(4, 8)), NOW)).toBeNull();
    expect(flood(at(...burst(11, 9)), new Date(NOW.getTime() + FLOOD_SPAN))).toBeNull();
  });
  test('is not of alerts that rest, nor of what is still to come', () => {
    expect(flood(at(...burst(11, 1)).map((a) => ({ ...a, shelf: shelf() })), NOW)).toBeNull();
    expect(flood(at(...burst(11, -5)), NOW)).toBeNull();
  });
});

describe('what is news', () => {
  const told = (was: Alert[], now: Alert[]) => {
    const { calls, known, resting } = news(new Map(was.map((a) => [a.id, a])), now, NOW);
    const ids = (l: Alert[]) => l.map((a) => a.id);
    return [ids(calls), ids(known), ids(resting)];
  };
  const noted = { state: 'acknowledged' as const };

  test('new ones call; those that rest are mentioned, until they count', () => {
    expect(told([], [alert(1), alert(2, { shelf: shelf() }), alert(3, { state: 'cleared' })])).toEqual([[1], [], [2]]);
    expect(told([alert(1), alert(2, { shelf: shelf() })], [alert(1), alert(2, { shelf: shelf({ over_at: before(0) }) })])).toEqual([[2], [], []]);
    expect(told([alert(2, { shelf: shelf({ until: before(0) }) })], [alert(2, { shelf: shelf({ until: before(0) }) })])).toEqual([[2], [], []]);
  });
  test('a higher level calls again, and what came back after it was acknowledged', () => {
    expect(told([alert(1, noted), alert(2, noted), alert(3)], [alert(1, { ...noted, level: 'orange' }), alert(2), alert(3, { level: 'blue' })])).toEqual([[1, 2], [], []]);
  });
  test('of a cause that is acknowledged only what is worse than its lead calls', () => {
    const lead = alert(1, { ...noted, level: 'orange' });
    expect(told([lead], [lead, alert(2, { lead: 1 }), alert(3, { lead: 1, level: 'orange' }), alert(4, { lead: 1, level: 'red' }), alert(5, { level: 'blue' })])).toEqual([[4, 5], [2, 3], []]);
    expect(told([alert(1)], [alert(1), alert(2, { lead: 1 })])).toEqual([[2], [], []]);
  });
  test('when its lead is over, what was acknowledged of the cause stands for it', () => {
    const one = alert(2, { ...noted, lead: 1 });
    expect(told([one], [one, alert(3, { lead: 1 }), alert(4, { lead: 1, level: 'red' })])).toEqual([[4], [3], []]);
  });
});

describe('the voice', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const city = () => {
    const alerts = new Map<number, Alert>();
    const said: [number[], boolean][] = [];
    const crier = new Crier(
      (l, inFlood) => void said.push([l.map((a) => a.id), inFlood]),
      (id) => alerts.get(id),
      () => Date.now(),
    );
    const raise = (inFlood: boolean, ...l: Alert[]) => {
      for (const a of l) alerts.set(a.id, a);
      crier.hear(l, inFlood);
    };
    return { alerts, said, raise };
  };

  test('tells each at once while there is no flood', () => {
    const { said, raise } = city();
    raise(false, alert(1));
    raise(false, alert(2), alert(3));
    expect(said).toEqual([[[1], false], [[2, 3], false]]);
  });
  test('tells once a minute in a flood, loses nothing, and leaves out what needs nobody any more', () => {
    const { alerts, said, raise } = city();
    raise(true, alert(1, { level: 'orange' }));
    for (let id = 2; id < 30; id++) raise(true, alert(id));
    alerts.set(2, alert(2, { state: 'acknowledged' }));
    alerts.delete(3);
    alerts.set(4, alert(4, { shelf: shelf() }));
    vi.advanceTimersByTime(59_999);
    expect(said).toEqual([[[1], true]]);
    vi.advanceTimersByTime(1);
    expect(said).toHaveLength(2);
    expect(said[1]![0]).toEqual(Array.from({ length: 25 }, (_, i) => i + 5));
    raise(false, alert(40)); // the flood is over, and nothing waits
    expect(said[2]).toEqual([[40], false]);
  });
  test('does not let the worse wait for the less', () => {
    const { said, raise } = city();
    raise(true, alert(1));
    raise(true, alert(2));
    raise(true, alert(3, { level: 'red' }));
    raise(true, alert(4, { level: 'red' }));
    expect(said).toEqual([[[1], true], [[2, 3], true]]);
    vi.advanceTimersByTime(60_000);
    expect(said[2]).toEqual([[4], true]);
  });
  test('the bell rings once a minute at most, and what called meanwhile is not lost', () => {
    let rung = 0;
    const bell = new Bell(() => rung++, () => Date.now());
    bell.ring();
    bell.ring();
    let still = true;
    bell.ring(() => still);
    expect(rung).toBe(1);
    vi.advanceTimersByTime(60_000);
    expect(rung).toBe(2);
    bell.ring(() => still);
    still = false; // somebody took note of it
    vi.advanceTimersByTime(120_000);
    expect(rung).toBe(2);
    bell.ring();
    expect(rung).toBe(3);
  });
});

describe('words', () => {
  const t = (key: string, params: object = {}) => [key, ...Object.values(params)].join('|');
  const said = (kind: string, over: Partial<AlertStep> = {}) => {
    const { what, note } = step({ id: 1, at: before(1), kind, level: 'red', ...over }, 'Asia/Shanghai', t);
    return note ? `${what} / ${note}` : what;
  };

  test('say every step, and what was written with it', () => {
    expect(said('again', { note: 'chattering' })).toBe('alert.step.again.chatters|level.red');
    expect(said('verdict', { note: 'real: flange: leaking' })).toBe('alert.step.verdict|alert.verdict.real / flange: leaking');
    expect(said('group_acknowledged', { note: 'one leak' })).toBe('alert.step.group_acknowledged / one leak');
    expect(said('verdict', { note: 'real: ' })).toBe('alert.step.verdict|alert.verdict.real');
    expect(said('amended', { note: '2026-11-23T05:59:30Z: 4.2 -> 3.1' })).toBe('alert.step.amended / alert.amended.changed|2026-11-23 13:59:30 +08:00|4.2|3.1');
    expect(said('amended', { note: '2026-11-23T05:59:30Z: 4.2' })).toBe('alert.step.amended / alert.amended.removed|2026-11-23 13:59:30 +08:00|4.2');
    expect(said('amended', { note: 'otherwise' })).toBe('alert.step.amended / otherwise');
    expect(said('cleared', { note: 'condition' })).toBe('alert.step.cleared');
    expect(said('cleared', { note: 'revised' })).toBe('alert.step.cleared.revised');
    expect(said('shelf_over', { actor: 'Lin' })).toBe('alert.step.unshelved');
    expect(said('shelf_over')).toBe('alert.step.shelf_over');
    expect(said('shelved', { note: 'why' })).toBe('alert.step.shelved / why');
    expect(said('new-kind', { note: 'x' })).toBe('new-kind / x');
  });
  test('say why it rests', () => {
    const a = { works, shelf: shelf({ by: 'demo-duty-officer' }), design: { alert: 9, title: { en: 'Main burst' } } };
    expect((['works', 'shelf', 'design'] as const).map((r) => whyRests(a, r, NOW, 'Asia/Shanghai', t, (v) => v.en ?? ''))).toEqual(['alert.works.during|Hose replaced|16:00', 'alert.shelf.until|Valve is being changed|14:30|person.demo_duty', 'alert.design.by|9|Main burst']);
  });
});
