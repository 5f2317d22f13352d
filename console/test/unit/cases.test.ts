import { expect, it } from 'vitest';
import { limitTitle } from '../../src/lib/cases.ts';
import type { Limit } from '../../src/lib/types.ts';

it('names the limit of a task by the task, and any other by itself', () => {
  const of = (name: string): Limit => ({ name, title: { en: 'Task' }, started_at: '', due_at: '', first_due_at: '', extensions: 0, state: 'running', late: false });
  const tasks = [{ id: 7, title: 'Close the lane' }];
  expect(limitTitle(of('task:7'), tasks)).toBe('Close the lane');
  expect(limitTitle(of('task:8'), tasks)).toEqual({ en: 'Task' });
  expect(limitTitle(of('limit:7'), tasks)).toEqual({ en: 'Task' });
  expect(limitTitle(of('task:7'), null)).toEqual({ en: 'Task' });
});
