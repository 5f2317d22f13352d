import { expect, it } from 'vitest';
import { inOrder, joined, limitTitle } from '../../src/lib/cases.ts';
import type { Limit, Move, TimelineEntry } from '../../src/lib/types.ts';

it('names the limit of a task by the task, and any other by itself', () => {
  const of = (name: string): Limit => ({ name, title: { en: 'Task' }, started_at: '', due_at: '', first_due_at: '', extensions: 0, state: 'running', late: false });
  const tasks = [{ id: 7, title: 'Close the lane' }];
  expect(limitTitle(of('task:7'), tasks)).toBe('Close the lane');
  expect(limitTitle(of('task:8'), tasks)).toEqual({ en: 'Task' });
  expect(limitTitle(of('limit:7'), tasks)).toEqual({ en: 'Task' });
  expect(limitTitle(of('task:7'), null)).toEqual({ en: 'Task' });
});

it('puts what may be done before what may not, each in the order of the pack', () => {
  const move = (name: string, allowed: boolean) => ({ name, allowed }) as Move;
  expect(inOrder([move('a', false), move('b', true), move('c', false), move('d', true)]).map((m) => m.name)).toEqual(['b', 'd', 'a', 'c']);
  expect(inOrder(null)).toEqual([]);
});

it('keeps the lines of a timeline that have left the page of its case', () => {
  const e = (...ids: number[]): TimelineEntry[] => ids.map((id) => ({ id, at: '', kind: 'note' }));
  const ids = (known: TimelineEntry[], page: TimelineEntry[]) => joined(known, page).map((x) => x.id);
  expect(ids([], e(3, 4))).toEqual([3, 4]);
  expect(ids(e(1, 2, 3, 4), e(4, 5, 6))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(ids(e(1, 2), e(1, 2))).toEqual([1, 2]);
  // Between 2 and 5 something may be missing: only the page is sure.
  expect(ids(e(1, 2), e(5, 6))).toEqual([5, 6]);
  expect(ids(e(1, 2), [])).toEqual([]);
});
