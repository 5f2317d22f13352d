import { describe, expect, it } from 'vitest';
import { badge, current, DAILY, GROUPS, inMenu, step } from '../../src/lib/menu.ts';
import { href, parse } from '../../src/lib/router.ts';

const at = (path: string) => parse(new URL(path, 'http://city.example'));

describe('the menu of pages', () => {
  it('leads to pages that exist, each of which is its own', () => {
    for (const l of [...DAILY, ...GROUPS.flatMap((g) => g.links)]) {
      const route = at(href(l.path, l.query));
      expect(route.page, l.id).not.toBe('not-found');
      expect(current(route), l.id).toBe(l.id);
    }
  });

  it('says behind which link a page stands', () => {
    expect(current(at('/console/cases/38'))).toBe('cases');
    expect(current(at('/console/rooms/38'))).toBe('cases');
    expect(current(at('/console/?tab=reports'))).toBe('operations');
    expect(current(at('/console/duty/handovers/4'))).toBe('duty');
    expect(current(at('/console/board/7'))).toBe('boards');
    expect(inMenu('deadlines')).toBe(true);
    expect(inMenu('duty')).toBe(false);
  });

  it('goes round with the arrows', () => {
    expect(step('ArrowDown', -1, 3)).toBe(0);
    expect(step('ArrowDown', 2, 3)).toBe(0);
    expect(step('ArrowUp', 0, 3)).toBe(2);
    expect(step('End', 0, 3)).toBe(2);
    expect(step('Home', 2, 3)).toBe(0);
    expect(step('j', 0, 3)).toBeNull();
    expect(step('ArrowDown', -1, 0)).toBeNull();
  });

  it('shows no badge for nothing, and never more than two digits', () => {
    expect([badge(0), badge(7), badge(99), badge(100)]).toEqual(['', '7', '99', '99+']);
  });
});
