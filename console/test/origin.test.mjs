// Where an alert may come from, in Debian's Chromium against the mock city. Run after `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './browser.mjs';
import { axeSource, officers } from './officer.mjs';

const { officer } = officers();

async function alert(t, { id = 117, change = () => {}, ...how } = {}) {
  const { mock, page } = await officer(t, how);
  change(mock.world);
  await page.goto(`${mock.url}/console/?sel=alert:${id}`);
  return { page, mock };
}

const lines = async (list) => (await list.locator('li').allInnerTexts()).map((s) => s.replace(/\s+/g, ' ').trim());

test('the assets that the wind points at, the likeliest first, and none of these', async (t) => {
  const { page } = await alert(t);
  const section = page.getByRole('region', { name: 'Where it may come from' });
  await section.getByText(/^The wind points at .*81 % probable\. A hint/).waitFor();
  const list = section.getByRole('list');
  const got = await lines(list);
  assert.equal(got.length, 6); // five, and none of these
  assert.match(got[0], /the wind points here 81% 96 m west of the instrument$/);
  assert.equal(got.at(-1), 'None of these 10%');
  await section.getByText(/Wind by Harbour mast, 640 m away: from the west, 3\.2 m\/s, strong enough for 92% of the time\. By the readings of 6 instruments,/).waitFor();
  await section.getByRole('button', { name: /all 6/i }).click();
  await until(async () => (await lines(list)).length, 7);
  assert.match((await list.getByRole('link').first().getAttribute('href')) ?? '', /assets\/\d+$/);
});

test('in Chinese', async (t) => {
  const { page } = await alert(t, { lang: 'zh-CN' });
  const section = page.getByRole('region', { name: '可能来源' });
  await section.getByText(/^据风向研判，来源较可能为.*可能性81%/).waitFor();
  const got = await lines(section.getByRole('list'));
  assert.match(got[0], /81% 位于仪器以西约 96 米$/);
  assert.equal(got.at(-1), '以上设施均不是 10%');
});

test('no wind shows no bars, and an alert whose rule looks for no origin shows nothing', async (t) => {
  const { page, mock } = await alert(t, {
    change: (w) => {
      const o = w.alerts.find((a) => a.id === 117).origin;
      Object.assign(o, { verdict: 'no_wind', none: null, wind: { ...o.wind, from: null, speed: null, carried: 0 }, candidates: o.candidates.slice(0, 2).map((c) => ({ ...c, probability: null })) });
    },
  });
  const section = page.getByRole('region', { name: 'Where it may come from' });
  await section.getByText('never strong enough, or not known').waitFor();
  assert.equal(await section.locator('.share').count(), 0);
  assert.equal((await lines(section.getByRole('list'))).length, 2);
  await page.goto(`${mock.url}/console/?sel=alert:118`);
  await page.getByRole('heading', { name: 'What would clear it' }).or(page.locator('section h3').nth(1)).first().waitFor();
  assert.equal(await section.count(), 0);
});

for (const theme of ['light', 'dark'])
  for (const [width, height] of [[1440, 900], [390, 844]])
    test(`axe finds nothing: ${theme}, ${width} px`, async (t) => {
      const { page } = await alert(t, { theme, width, height });
      const section = page.getByRole('region', { name: 'Where it may come from' });
      await section.getByRole('list').waitFor();
      await page.evaluate(axeSource);
      const found = await section.evaluate((el) => globalThis.axe.run(el, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes[0]?.html}`), []);
      const box = await section.evaluate((el) => [el.scrollWidth, el.clientWidth]);
      assert.ok(box[0] <= box[1] + 1, `it is ${box[0]} px wide in ${box[1]}`);
    });
