// The figures of the watch in Debian's Chromium against the mock city. Run after `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './browser.mjs';
import { figures, loadNow, quiet } from './figures.mjs';
import { audit, officers } from './officer.mjs';

const { officer } = officers();

async function watch(t, { answer = figures(), load = loadNow(), ...how } = {}) {
  const { mock, page } = await officer(t, how);
  const json = (body) => (r) => r.fulfill({ status: 200, contentType: 'application/json', body: JSON.stringify(body) });
  const asked = [];
  await page.route('**/api/v1/watch/figures*', (r) => (asked.push(new URL(r.request().url()).search), json(answer)(r)));
  await page.route('**/api/v1/watch/load', json(load));
  await page.route(/\/api\/v1\/alerts\?.*raised_/, (r) => {
    asked.push(new URL(r.request().url()).search);
    const items = /outcome=false/.test(r.request().url()) ? mock.world.alerts.slice(0, 2).map((a) => ({ ...a, outcome: { verdict: 'false' } })) : [];
    return json({ items, resting: 0 })(r);
  });
  page.open = (path = '') => page.goto(`${mock.url}/console/watch${path}`);
  return { page, mock, asked };
}

const cells = async (row) => (await row.locator('td').allInnerTexts()).map((s) => s.replace(/\s+/g, ' ').trim());

test('each detector with what it found and missed, with intervals, and nothing where nothing is known', async (t) => {
  const { page } = await watch(t);
  await page.open();
  const table = page.getByRole('region', { name: 'What detectors found and missed' }).getByRole('table');
  await table.waitFor();
  const indoor = table.getByRole('row', { name: /Methane indoors/ });
  await until(() => cells(indoor), ['23', '90%', '12', '4', '3', '80% 55% to 93%', '25% 10% to 50%', '63%', '1 h 30 min 1 in 10: 5 min too late or less', '2 not judged 1 unclear 1 drill']);
  await page.getByRole('button', { name: '1 detector that raised and missed nothing' }).click();
  await until(() => cells(table.getByRole('row', { name: /Methane at the fence/ })), ['0', '–', '0', '0', '0', '–', '–', '–', '–', '']);
  assert.match(await table.getByRole('row', { name: /^gas, all detectors/ }).innerText(), /1 missed where nothing watches/);
  await page.getByText('What these figures mean').click();
  await page.getByText('real / (real + missed + false)').waitFor();
});

test('a number leads to the list behind it, and from there to the alert', async (t) => {
  const { page, mock, asked } = await watch(t);
  await page.open();
  const row = page.getByRole('row', { name: /Methane indoors/ }).first();
  await row.getByRole('link', { name: '4', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: 'Alerts behind the figure' }).waitFor();
  const table = page.getByRole('table');
  await table.waitFor();
  const q = new URLSearchParams(asked.at(-1));
  assert.equal(q.get('detector'), 'gas/methane-indoor');
  assert.equal(q.get('outcome'), 'false');
  assert.equal(q.get('kind'), 'hazard');
  assert.equal(q.get('state'), 'all');
  assert.equal(q.get('raised_from'), figures().from);
  assert.equal(q.get('raised_to'), figures().to);
  await until(() => table.getByRole('row').count(), 3);
  await table.getByRole('link').first().click();
  await page.getByRole('complementary').waitFor();
  assert.match(page.url(), new RegExp(`sel=alert(:|%3A)${mock.world.alerts[0].id}`));
  await page.goBack();
  await page.getByRole('link', { name: 'Health of the watch' }).last().click();
  await page.getByRole('row', { name: /Methane indoors/ }).first().getByRole('link', { name: '12', exact: true }).click();
  await page.getByText('No alert belongs to it any more.').waitFor();
});

test('the load of a post beside its targets, its floods and its sources', async (t) => {
  const { page } = await watch(t);
  await page.open();
  await page.getByText('Flood of alarms: gas-duty.').waitFor();
  const post = page.getByRole('region', { name: 'gas-duty' });
  const table = post.getByRole('table');
  await until(() => cells(table.getByRole('row', { name: /^Alarms a day/ })), ['Alarms a day, on average', '400', '150', '300', 'too many']);
  assert.deepEqual((await cells(table.getByRole('row', { name: /^Alarms an hour/ }))).slice(1), ['8.2', '6', '12', 'can be managed']);
  assert.deepEqual((await cells(table.getByRole('row', { name: /^Alarms in ten minutes/ }))).slice(1), ['0.69', '1', '2', 'good']);
  assert.equal((await cells(table.getByRole('row', { name: /^Standing for over a day/ })))[4], 'too many');
  const source = post.getByRole('link', { name: 'Kitchen alarm 4' });
  assert.match(await source.getAttribute('href'), /detector=gas%2Fmethane-indoor&asset=104&raised_from=/);
  assert.match(await post.innerText(), /for 20 min, 25 alarms, at most 14 in ten minutes/);
  const missed = page.locator('section[aria-labelledby=missed]');
  await until(() => missed.innerText(), /Case 40 .*said nothing: gas\/methane-indoor[\s\S]*Case 38 .*nothing watches there/);
  assert.match(await missed.getByRole('link', { name: 'Case 40' }).getAttribute('href'), /cases\/40$/);
});

test('another time is asked for, and is in the address', async (t) => {
  const { page, asked } = await watch(t);
  await page.open();
  await page.getByRole('button', { name: '90 days' }).click();
  await page.waitForFunction(() => location.search === '?days=90');
  await page.waitForFunction(() => document.querySelector('.days [aria-pressed=true]')?.textContent.startsWith('90'));
  await until(() => asked.some((s) => s.startsWith('?from=')), true);
});

test('before anything was raised it says so', async (t) => {
  const { page } = await watch(t, { answer: quiet(), load: { at: quiet().to, positions: [] } });
  await page.open();
  for (const words of ['No detector is loaded.', 'None in this time.', 'No alarm in this time: gas-duty.']) await page.getByText(words).waitFor();
  assert.equal(await page.getByText('NaN').count(), 0);
});

for (const [theme, lang, width] of [['light', 'en', 1440], ['dark', 'zh-CN', 390], ['dark', 'en', 390], ['light', 'zh-CN', 1440]]) {
  test(`axe finds nothing, and nothing is wider than the page: ${theme}, ${lang}, ${width}`, async (t) => {
    const { page } = await watch(t, { theme, lang, width });
    for (const path of ['', '?list=alerts&detector=gas&outcome=false&raised_from=2026-11-01T00:00:00Z']) {
      await page.open(path);
      await page.locator('main table').last().waitFor();
      // Figures and load are two answers.
      if (!path) for (const both of [page.locator('section[aria-labelledby=missed] a').first(), page.getByRole('region', { name: 'gas-duty' })]) await both.waitFor();
      for (const d of await page.locator('main :is(summary, button[aria-expanded])').all()) await d.click();
      await audit(page, path || 'the watch');
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/figures-${theme}-${lang}-${width}${path ? '-list' : ''}.png`, fullPage: true });
    }
  });
}
