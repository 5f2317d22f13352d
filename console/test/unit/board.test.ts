import { describe, expect, test } from 'vitest';
import { agenciesByNeed, arrange, concerns, countsNow, lateNow, otherLevels, type Board, type BoardAgency, type BoardTask } from '../../src/lib/board.ts';

const now = new Date('2026-07-12T04:00:00Z');
const at = (minutes: number) => new Date(now.getTime() + minutes * 60_000).toISOString();
const L = (s: string) => ({ en: s, 'zh-CN': s });
let n = 0;
const task = (over: Partial<BoardTask>): BoardTask => ({
  id: ++n, name: 'x', title: L('x'), level: 'IV', organisation_name: L(''), post: 'p', state: 'waiting', late: false, may_acknowledge: true, may_finish: true, given_at: at(-60), due_at: at(30),
  acknowledged_at: null, done_at: null, done_when: L(''), needs: [], ...over,
});
const agency = (name: string, tasks: BoardTask[]): BoardAgency => ({ agency: name, title: L(name), lead: false, gap: false, organisations: [], counts: countsNow(tasks, now), tasks });

describe('late', () => {
  test('a board that is older than the deadline still says late', () => {
    expect(lateNow(task({ due_at: at(-1) }), now)).toBe(true);
    expect(lateNow(task({ due_at: at(1), late: false }), now)).toBe(false);
    expect(lateNow(task({ due_at: null }), now)).toBe(false);
  });
  test('what is done is late for ever or never', () => {
    expect(lateNow(task({ state: 'done', late: false, due_at: at(-1) }), now)).toBe(false);
    expect(lateNow(task({ state: 'done', late: true, due_at: at(-1) }), now)).toBe(true);
  });
});

test('counts say late apart from waiting and acknowledged', () => {
  const tasks = [task({ due_at: at(-5) }), task({}), task({ state: 'acknowledged', due_at: at(-5) }), task({ state: 'done', late: true }), task({ state: 'withdrawn', due_at: at(-5), late: true })];
  expect(countsNow(tasks, now)).toEqual({ waiting: 2, acknowledged: 1, done: 1, withdrawn: 1, late: 2, done_late: 1 });
});

test('what needs somebody stands first: late, then not acknowledged, then by deadline; what is over last', () => {
  const ts = [
    task({ name: 'done', state: 'done', done_at: at(-10) }),
    task({ name: 'acknowledged', state: 'acknowledged', due_at: at(5) }),
    task({ name: 'soon', due_at: at(10) }),
    task({ name: 'later', due_at: at(90) }),
    task({ name: 'late', state: 'acknowledged', due_at: at(-1) }),
    task({ name: 'done last', state: 'done', done_at: at(-2) }),
    task({ name: 'withdrawn', state: 'withdrawn', done_at: at(-1) }),
  ];
  expect(arrange(ts, now).map((t) => t.name)).toEqual(['late', 'soon', 'later', 'acknowledged', 'done last', 'done', 'withdrawn']);
  expect(ts[0]!.name, 'the list itself stays as it was').toBe('done');
});

test('on the wall the agencies that are late stand first, else in the order of the plan', () => {
  const all = [agency('quiet', []), agency('done', [task({ state: 'done' })]), agency('ok', [task({ state: 'acknowledged' })]), agency('waits', [task({})]), agency('late', [task({ due_at: at(-1) })]), agency('waits too', [task({})])];
  expect(agenciesByNeed(all, now).map((a) => a.agency)).toEqual(['late', 'waits', 'waits too', 'ok', 'done', 'quiet']);
});

test('levels above and below', () => {
  const levels = (['IV', 'III', 'II'] as const).map((id) => ({ id, title: L(id), decided_by: L(''), in_force: id === 'III', gives: 1, withdraws: 0 }));
  expect(otherLevels({ levels, level: 'III' }).map((l) => [l.id, l.up])).toEqual([['IV', false], ['II', true]]);
});

test('events that concern a board', () => {
  const b = { id: 7, case: 41 } as Board;
  expect(concerns(b, { subject: 'plan.changed', data: { activation: 7 } })).toBe(true);
  expect(concerns(b, { subject: 'plan.proposed', data: { activation: 8 } })).toBe(false);
  expect(concerns(b, { subject: 'case.overdue', data: { case: 41 } })).toBe(true);
  expect(concerns(b, { subject: 'task.acknowledged', data: { case: 41 } })).toBe(true);
  expect(concerns(b, { subject: 'alert.raised', data: { case: 41 } })).toBe(false);
  expect(concerns(null, { subject: 'case.overdue', data: { case: 41 } })).toBe(false);
});
