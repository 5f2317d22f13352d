// The page of deadlines in Debian's Chromium. The answers are made of a few limits the way the server makes them. Run after
// `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './browser.mjs';
import { audit, officers } from './officer.mjs';

const L = (en, zh) => ({ en, 'zh-CN': zh });
const NOW = Date.parse('2026-11-23T06:05:09Z');
const at = (hours) => new Date(NOW + hours * 3_600_000).toISOString();
const ORGANISATIONS = { 7: L('Gas company', '燃气公司'), 8: L('Drainage company', '排水公司') };
const AREAS = { 2: L('Gangwan', '港湾区'), 21: L('Gangwan, north', '港湾北街道') };
const ROWS = [
  { organisation: 7, area: 21, status: 'on-time', due: -20, ended: -21 },
  { organisation: 7, area: 21, status: 'late', due: -20, ended: -17, extensions: 1 },
  { organisation: 7, area: 2, status: 'past', due: -5 },
  { organisation: 8, area: 2, status: 'within', due: 5 },
  { organisation: 8, area: 2, status: 'withdrawn', due: -5, ended: -6 },
].map((r, i) => ({
  id: i + 1, case: 40 + i, what: 'state', title: L('Rectifying', '整改'), kind: 'hazard', kind_title: L('Hazard', '隐患整改'), organisation: r.organisation, organisation_name: ORGANISATIONS[r.organisation],
  post: 'crew', area: r.area, area_name: AREAS[r.area], started_at: at(r.due - 72), first_due_at: at(r.due), due_at: at(r.due), extensions: r.extensions ?? 0, ended_at: r.ended === undefined ? null : at(r.ended),
  status: r.status, late_s: r.status === 'late' ? 3 * 3600 : r.status === 'past' ? 5 * 3600 : 0, category_title: L('', ''),
}));

const narrowed = (q) => ROWS.filter((r) => (!q.get('organisation') || r.organisation === +q.get('organisation')) && (!q.get('area') || r.area === +q.get('area') || (q.get('area') === '2' && q.get('only') !== 'true' && r.area === 21)));
function figures(rows) {
  const n = (s) => rows.filter((r) => r.status === s).length;
  const late = rows.map((r) => r.late_s).filter(Boolean).sort((a, b) => a - b);
  const decided = n('on-time') + n('late') + n('past');
  return {
    rows: rows.length, on_time: n('on-time'), late: n('late'), within: n('within'), past: n('past'), passed_on: n('passed-on'), withdrawn: n('withdrawn'), late_passed_on: 0, withdrawn_past: 0,
    extensions: rows.reduce((s, r) => s + r.extensions, 0), extended: 0, after_first: 0, ...(decided ? { on_time_share: n('on-time') / decided } : {}), ...(late.length ? { late_median_s: late[Math.ceil(late.length / 2) - 1], late_90_s: late.at(-1) } : {}),
  };
}
function report(q) {
  const rows = narrowed(q);
  const by = q.get('by') ?? 'organisation';
  const groups = new Map();
  for (const r of rows) {
    const own = q.get('area') === '2' && r.area === 2;
    const key = by === 'area' ? (q.get('area') === '2' ? String(r.area) : '2') : String(r.organisation);
    const filter = by === 'area' ? { area: key, ...(own ? { only: 'true' } : {}) } : { organisation: key };
    groups.set(key, { title: by === 'area' ? AREAS[key] : ORGANISATIONS[key], filter, rows: [...(groups.get(key)?.rows ?? []), r] });
  }
  return {
    from: '2026-10-23T16:00:00Z', to: null, at: at(0), by, zone: 'Asia/Shanghai', total: figures(rows), private_cases: 20,
    groups: [...groups.values()].map((g) => ({ title: g.title, filter: g.filter, figures: figures(g.rows), private_cases: 0 })),
    names: { ...(q.get('organisation') ? { organisation: ORGANISATIONS[q.get('organisation')] } : {}), ...(q.get('area') ? { area: AREAS[q.get('area')] } : {}) },
  };
}

const { officer } = officers();

async function page(t, how = {}) {
  const { mock, page: p } = await officer(t, how);
  const asked = [];
  await p.route('**/api/v1/deadlines**', (route) => {
    const url = new URL(route.request().url());
    asked.push(url.pathname.slice('/api/v1/deadlines'.length) + url.search);
    const q = url.searchParams;
    const rows = narrowed(q).filter((r) => !q.get('status') || r.status === q.get('status'));
    if (url.pathname.endsWith('/rows')) return route.fulfill({ json: q.get('after') ? { at: at(0), items: rows.slice(2) } : { at: at(0), items: rows.slice(0, how.page ?? 100), ...(rows.length > (how.page ?? 100) ? { next: 'x' } : {}) } });
    return route.fulfill({ json: report(q) });
  });
  p.open = (path = '') => p.goto(`${mock.url}/console/deadlines${path}`);
  p.asked = asked;
  return p;
}

test('each figure opens its limits, and each limit its case', async (t) => {
  const p = await page(t);
  await p.open();
  await p.getByRole('link', { name: 'Gas company, Late, 1' }).click();
  await p.waitForFunction(() => location.search === '?organisation=7&status=late&list=1');
  await p.getByRole('row', { name: /Rectifying/ }).waitFor();
  await until(() => p.getByRole('row', { name: /Rectifying/ }).count(), 1);
  await until(() => p.getByRole('row', { name: /Rectifying/ }).innerText(), /41[\s\S]*Late[\s\S]*extended 1 time[\s\S]*3 h[\s\S]*Gas company/);
  assert.equal(await p.getByRole('link', { name: 'Open case 41' }).getAttribute('href'), '/console/cases/41');
  await p.getByRole('button', { name: 'Remove: Late' }).click();
  await p.waitForFunction(() => location.search === '?organisation=7&list=1');
  await p.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 3);
  await p.getByRole('button', { name: 'Remove: Organisation Gas company' }).click();
  await p.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 5);
  await p.getByRole('link', { name: 'Back to the figures' }).click();
  await p.getByRole('link', { name: 'Total, Limits, 5' }).click();
  await p.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 5);
});

test('an area leads to those below it, and to what is its own', async (t) => {
  const p = await page(t);
  await p.open();
  await p.getByLabel('Group by').selectOption('area');
  await p.getByRole('link', { name: 'Gangwan', exact: true }).click();
  await p.waitForFunction(() => location.search === '?by=area&area=2');
  await p.getByRole('link', { name: 'Gangwan itself, Limits, 3' }).click();
  await p.waitForFunction(() => location.search === '?by=area&area=2&only=true&list=1');
  await p.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 3);
});

test('days are read as people write them, and refused when there is no such day', async (t) => {
  const p = await page(t);
  await p.open();
  await p.getByRole('link', { name: 'Total, Limits, 5' }).waitFor();
  const from = p.getByLabel('Limits from');
  await until(() => from.inputValue(), '2026-10-24'); // 16:00 UTC is midnight in the city
  await from.fill('2026/11/1');
  await from.press('Enter');
  await p.waitForFunction(() => location.search === '?from=2026-11-01');
  await p.getByLabel('until').fill('2026-10-31');
  await p.getByLabel('until').press('Enter');
  await p.getByRole('alert').getByText('the first not after the last').waitFor();
  await until(() => p.getByLabel('until').getAttribute('aria-invalid'), 'true');
  await p.getByLabel('until').fill('2026-11-30');
  await p.getByLabel('until').press('Enter');
  await p.waitForFunction(() => location.search === '?from=2026-11-01&to=2026-11-30');
  await until(() => p.getByRole('link', { name: 'XLSX' }).getAttribute('href'), '/api/v1/deadlines/export?from=2026-11-01&to=2026-11-30&lang=en');
  await p.waitForFunction(() => !document.querySelector('#deadlines-wrong'));
});

test('a long list comes page by page', async (t) => {
  const p = await page(t, { page: 2 });
  await p.open('?list=1');
  await p.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 2);
  await p.locator('main').getByRole('button', { name: /more/i }).click();
  await p.waitForFunction(() => document.querySelectorAll('main tbody tr').length === 5);
  assert.equal(new Set(await p.locator('main tbody tr td:first-child').allInnerTexts()).size, 5);
});

for (const [theme, lang, width] of [['light', 'en', 1440], ['dark', 'zh-CN', 390], ['dark', 'en', 390], ['light', 'zh-CN', 1440]]) {
  test(`axe finds nothing, and nothing is wider than the page: ${theme}, ${lang}, ${width}`, async (t) => {
    const p = await page(t, { theme, lang, width });
    for (const path of ['', '?by=area&area=2', '?organisation=7&list=1']) {
      await p.open(path);
      await p.locator('main tbody tr').first().waitFor();
      await audit(p, path || 'the figures');
    }
  });
}
