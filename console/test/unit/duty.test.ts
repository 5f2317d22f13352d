import { describe, expect, test } from 'vitest';
import { callBody, clockWord, findPhones, grouped, itemHref, newsOf, refusedKeys, reportWord, soonestGap, type Item, type Post, type PostRoster } from '../../src/lib/duty.ts';
import { command } from '../../src/lib/keys.ts';
import { translate } from '../../src/lib/i18n.ts';
import type { Key, Params } from '../../src/lib/i18n.ts';

const t = (key: Key, params?: Params) => translate('en', key, params);
const post = (over: Partial<Post>): Post => ({ id: 1, organisation: 40, organisation_name: { en: 'Gas company', 'zh-CN': '燃气公司' }, name: 'duty', title: { en: 'Duty office', 'zh-CN': '值班室' }, phone: '021-6288 1234', covered: false, now: [], next: null, ...over });

describe('the directory', () => {
  const all = [post({}), post({ id: 2, name: '', phone: '110', organisation_name: { en: 'Police', 'zh-CN': '公安局' } })];
  test.each([
    ['', 2],
    ['gas', 1],
    ['值班 燃气', 1],
    ['62881234', 1],
    ['110', 1],
    ['gas police', 0],
  ])('narrowed by %j', (q, n) => expect(findPhones(all, q)).toHaveLength(n));

  test('opens by one key, unless it is switched off or something is being typed', () => {
    const press = (over = {}) => ({ key: 'd', ctrlKey: false, metaKey: false, altKey: false, on: { tag: 'body', editable: false }, dialogOpen: false, ...over });
    expect(command(press(), [])).toBe('phones');
    expect(command(press({ on: { tag: 'input', editable: false } }), [])).toBeNull();
    expect(command(press(), ['phones'])).toBeNull();
  });
});

describe('a call', () => {
  const v = { at: null, caller: 'resident', unit: 'Police', where: ' fish market ', what: 'smoke', harm: '', open: true, grade: '', contact: '', asset: 0, area: 0, corrects: 0 };
  test('sends what was filled in and nothing else', () => {
    expect(callBody(v)).toEqual({ caller: 'resident', where: 'fish market', what: 'smoke', open: true });
    expect(callBody({ ...v, caller: 'unit', open: false, harm: '1 hurt', asset: 7, area: 3, contact: '138' })).toEqual({ caller: 'unit', unit_name: 'Police', where: 'fish market', what: 'smoke', harm: '1 hurt', asset: 7 });
  });
  test('sends how the caller is reached only with an incident of a resident', () => {
    expect(callBody({ ...v, contact: ' 6288 ' }).contact).toBe('6288');
    expect(callBody({ ...v, contact: '6288', open: false }).contact).toBeUndefined();
    expect(callBody({ ...v, contact: '6288', caller: 'unit' }).contact).toBeUndefined();
  });
});

test('reports and their clocks in words', () => {
  expect(clockWord({ report: 'first', how: 'phone' }, t)).toBe('First report by telephone');
  expect(clockWord({ report: 'follow-up', how: 'writing' }, t)).toBe('Follow-up in writing');
  expect(reportWord({ report: 'first', number: 1 }, t)).toBe('First report');
  expect(reportWord({ report: 'follow-up', number: 3 }, t)).toBe('Follow-up 3');
});

test('open things lead to themselves, and stand by kind', () => {
  const i = (kind: Item['kind'], id: number, c?: number): Item => ({ kind, id, title: {}, state: {}, ...(c ? { case: c } : {}) });
  expect([i('alert', 3), i('warning', 4), i('task', 5, 41), i('gap', 6), i('instruction', 7)].map(itemHref)).toEqual(['/console/?state=all&sel=alert:3', '/console/?tab=warnings&state=all&sel=warning:4', '/console/cases/41', '/console/duty/roster', '/console/duty']);
  expect(grouped([i('alert', 1), i('case', 2), i('alert', 3)]).map(([k, of]) => `${k} ${of.length}`)).toEqual(['alert 2', 'case 1']);
  expect(refusedKeys({ errors: [{ field: 'alert:120' }, {}] })).toEqual(new Set(['alert:120']));
  expect(refusedKeys({})).toEqual(new Set());
});

test('what a signature was refused for is new to the page, or changed since', () => {
  const i = (id: number): Item => ({ kind: 'case', id, title: { en: 'x', 'zh-CN': 'x' }, state: { en: '', 'zh-CN': '' } });
  const page = { items: [i(1), i(2)], since: [i(3)], changed: [i(2)] };
  expect([...newsOf(new Set(['case:2', 'case:3', 'case:4']), page)]).toEqual([['case:2', 'changed'], ['case:3', 'changed'], ['case:4', 'fresh']]);
});

test('the next gap is one that is not over', () => {
  const p = { ...post({}), shifts: [], gaps: [{ from: '2026-11-23T00:00:00Z', to: '2026-11-23T01:00:00Z' }, { from: '2026-11-23T08:00:00Z', to: '2026-11-23T09:00:00Z' }] } as PostRoster;
  expect(soonestGap(p, new Date('2026-11-23T02:00:00Z'))?.from).toBe('2026-11-23T08:00:00Z');
  expect(soonestGap({ ...p, gaps: [] }, new Date())).toBeNull();
});
