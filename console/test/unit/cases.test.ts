import { expect, it } from 'vitest';
import { inOrder, limitTitle } from '../../src/lib/cases.ts';
import type { Limit, Move } from '../../src/lib/types.ts';

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
