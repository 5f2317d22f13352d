import { describe, expect, test } from 'vitest';
import { acknowledgePath, Calls, compare, entry, fold, FOLD_AFTER, late, link, touches, waits, type InboxItem } from '../../src/lib/inbox.ts';
import { bytes } from '../../src/lib/push.ts';

const now = new Date('2026-11-28T04:00:00Z');
const item = (change: Partial<InboxItem>): InboxItem => ({ what: 'notice', id: 1, title: { en: 'x' }, at: '2026-11-28T03:00:00Z', ...change });
const sorted = (items: InboxItem[], order: 'urgent' | 'newest' = 'urgent') => items.map(entry).sort(compare(order, now)).map((e) => e.id);

describe('what says the same of many cases', () => {
  const why = { en: 'Case without an owner' };
  const rows = (items: InboxItem[]) => items.map((i) => ({ item: entry(i) }));
  const many = (n: number, change: Partial<InboxItem>) => Array.from({ length: n }, (_, k) => item({ id: k + 1, about: 'case', why, ...change }));
  const show = (items: InboxItem[], unfolded: string[] = []) => fold(rows(items), new Set(unfolded)).map((r) => ('key' in r ? `${r.n} ${r.why.en}` : r.item.id));

  test('is folded past the first few, where the rest is more than one', () => {
    expect(show(many(FOLD_AFTER + 1, {}))).toEqual([1, 2, 3, 4]);
    expect(show([...many(6, {}), item({ id: 9, about: 'case', why: { en: 'Late' } })])).toEqual([1, 2, 3, '3 Case without an owner', 9]);
  });
  test('stays folded as it is answered, and is shown when asked for', () => {
    const answered = many(6, {}).map((i) => (i.id === 1 ? { ...i, acknowledged_at: '2026-11-28T03:30:00Z' } : i));
    expect(show(answered)).toEqual([1, 2, 3, '3 Case without an owner']);
    expect(show(answered, ['Case without an owner|false'])).toEqual([1, 2, 3, 4, 5, 6]);
  });
  test('alerts, tasks and what has a level are never folded', () => {
    expect(show(many(6, { about: 'alert' }))).toHaveLength(6);
    expect(show(many(6, { level: 'orange' }))).toHaveLength(6);
    expect(show(many(6, { what: 'task', about: undefined }))).toHaveLength(6);
  });
});

describe('the order of an inbox', () => {
  test('what waits before what is taken on before what is over; late, worse, sooner, newer', () => {
    const items = [
      item({ id: 1, over: true, level: 'red' }),
      item({ id: 2, acknowledged_at: '2026-11-28T03:30:00Z', level: 'red' }),
      item({ id: 3, what: 'task', due_at: '2026-11-28T06:00:00Z' }),
      item({ id: 4, what: 'task', due_at: '2026-11-28T03:59:00Z' }),
      item({ id: 5, level: 'orange' }),
      item({ id: 6, level: 'red' }),
      item({ id: 7, what: 'task', due_at: '2026-11-28T05:00:00Z' }),
      item({ id: 8, at: '2026-11-28T03:10:00Z' }),
      item({ id: 9 }),
    ];
    expect(sorted(items)).toEqual([-4, 6, 5, -7, -3, 8, 9, 2, 1]);
  });
  test('newest first', () => {
    expect(sorted([item({ id: 1 }), item({ id: 2, at: '2026-11-28T03:59:00Z', over: true }), item({ id: 3, at: '2026-11-28T01:00:00Z', level: 'red' })], 'newest')).toEqual([2, 1, 3]);
  });
});

test('a task and a notice of one number are two rows', () => {
  expect(entry(item({ what: 'task', id: 7 })).id).not.toBe(entry(item({ id: 7 })).id);
});

test('where a press goes', () => {
  expect(acknowledgePath(item({ what: 'task', id: 7, case: 3 }))).toBe('/cases/3/tasks/7/acknowledge');
  expect(acknowledgePath(item({ id: 9, case: 3 }))).toBe('/notices/9/acknowledge');
  expect(link(item({ case: 3, about: 'alert', on: 5 }))).toBe('/console/cases/3');
  expect(link(item({ about: 'alert', on: 5 }))).toBe('/console/?sel=alert%3A5');
  expect(link(item({ about: 'warning', on: 5 }))).toBe('/console/warnings/5');
  expect(link(item({ about: 'warning-suggestion', on: 5 }))).toBe('/console/warnings?part=suggested');
  expect(link(item({ about: 'report-upward', on: 5 }))).toBe('');
});

test('what waits and what is late', () => {
  expect([waits(item({})), waits(item({ over: true })), waits(item({ acknowledged_at: 'x' }))]).toEqual([true, false, false]);
  expect([late(item({}), now), late(item({ due_at: '2026-11-28T04:00:00Z' }), now), late(item({ due_at: '2026-11-28T04:00:01Z' }), now)]).toEqual([false, true, false]);
});

test('news that concerns an inbox', () => {
  for (const [subject, want] of [['notice.given', true], ['notice.sounded', true], ['task.given', true], ['case.closed', true], ['console.resumed', true], ['alert.raised', false], ['case.changed', false]] as const)
    expect(touches({ subject, data: {} }), subject).toBe(want);
});

describe('what sounds because nobody has answered', () => {
  const sound = { subject: 'notice.sounded', data: { about: 'alert', id: 5, title: { en: 'Gas' } } };
  test('is said, and stands until somebody has', () => {
    for (const end of [
      { subject: 'alert.acknowledged', data: { alert: 5 } },
      { subject: 'alert.cleared', data: { alert: 5 } },
      { subject: 'notice.acknowledged', data: { about: 'alert', id: 5 } },
      { subject: 'notice.given', data: { about: 'alert', id: 5, over: true } },
    ]) {
      const calls = new Calls();
      expect(calls.hear(sound)).toEqual({ key: 'alert:5', title: { en: 'Gas' } });
      for (const other of [{ subject: 'alert.acknowledged', data: { alert: 6 } }, { subject: 'notice.given', data: { about: 'alert', id: 5 } }, { subject: 'notice.acknowledged', data: { about: 'case', id: 5 } }]) expect(calls.hear(other)).toBe(null);
      expect(calls.stands('alert:5')).toBe(true);
      calls.hear(end);
      expect(calls.stands('alert:5'), end.subject).toBe(false);
    }
  });
});

test('a key of the server as bytes', () => {
  expect([...bytes('AQID_-8')]).toEqual([1, 2, 3, 255, 239]);
});
