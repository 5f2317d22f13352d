// The page of a case with limits, asks, parts and parties in Debian's Chromium against the mock city. Run after `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './browser.mjs';
import { audit, officers } from './officer.mjs';

const { officer } = officers();

async function desk(t, how = {}) {
  const { mock, page } = await officer(t, how);
  const cases = mock.services.add();
  const open = async (id) => {
    await page.goto(`${mock.url}/console/cases/${id}`);
    await page.locator('.facts').waitFor();
  };
  return { mock, page, open, ...cases };
}

const region = (page, name) => page.getByRole('region', { name, exact: true });

test('limits: what runs, the nearest first; what has ended, and how', async (t) => {
  const { page, open } = await desk(t);
  await open(61);
  const limits = region(page, 'Limits');
  const rows = limits.locator('> ul > li');
  await until(async () => (await rows.allInnerTexts()).map((s) => s.split('\n')[0]), ['Decision More time', 'Stage Being handled', 'Whole case Closing']);
  await until(() => rows.nth(1).innerText(), /Langang Roads Company/); // who is who comes by an answer of its own
  const running = await rows.allInnerTexts();
  assert.match(running[0], /city's watch/);
  assert.match(running[1], /Langang Roads Company.*road-crew/);
  assert.match(running[2], /set later 1 time/);
  await limits.getByText('3 that have ended').click();
  const ended = await limits.locator('details li').allInnerTexts();
  assert.match(ended[0], /kept late/);
  assert.match(ended[1], /passed on/);
  assert.match(ended[2], /kept/);
});

test('an ask is refused with a reason, or granted, by who may', async (t) => {
  const { page, open, whole } = await desk(t);
  await open(61);
  const asks = region(page, 'Approvals');
  await asks.getByText('waits for a decision').waitFor();
  await asks.getByText('The asphalt plant is closed.').waitFor();
  await asks.getByRole('button', { name: 'Refuse' }).click();
  await asks.getByText('Please fill this in.').waitFor();
  assert.equal(whole.asks[1].state, 'open', 'nothing was sent');
  await page.waitForFunction(() => document.activeElement.tagName === 'TEXTAREA');
  await asks.getByLabel('What you decide on').fill('The plant opens on Monday.');
  await asks.getByRole('button', { name: 'Grant', exact: true }).click();
  await asks.getByText('granted').waitFor();
  assert.equal(whole.asks[1].reason, 'The plant opens on Monday.');
  await until(() => asks.getByRole('button').count(), 0);
});

test('each kind of answer has its control, and its value is what the server takes', async (t) => {
  const { page, open } = await desk(t);
  await open(61);
  const sent = [];
  await page.route('**/cases/61/moves', (r) => {
    sent.push(r.request().postDataJSON());
    return r.fulfill({ status: 200, contentType: 'application/json', body: JSON.stringify({}) });
  });
  const start = async (name) => {
    await page.getByRole('button', { name, exact: true }).click();
    return page.getByRole('form', { name, exact: true });
  };
  let form = await start('Hand over');
  await form.getByLabel('To whom').selectOption({ label: 'Langang Water Company' });
  await form.getByLabel('Post').fill('duty');
  await form.getByRole('button', { name: 'Confirm: Hand over' }).click();
  await page.getByText('Done: Hand over').first().waitFor();
  form = await start('Split');
  await form.getByRole('button', { name: 'Confirm: Split' }).click();
  await form.getByText('Please fill this in.').waitFor();
  await form.getByLabel('Langang Roads Company').check();
  await form.getByLabel('Gangwan Subdistrict').check();
  await form.getByLabel('Langang Roads Company').uncheck();
  await form.getByLabel('Langang Water Company').check();
  await form.getByRole('button', { name: 'Confirm: Split' }).click();
  await page.getByText('Done: Split').first().waitFor();
  form = await start('Merge');
  await form.getByLabel('Into which case').fill('#40');
  await form.getByRole('button', { name: 'Confirm: Merge' }).click();
  await page.getByText('Done: Merge').first().waitFor();
  form = await start('More time');
  await form.getByText('when another person grants it').waitFor();
  await form.getByLabel('Until').fill('2026-12-01 18:00');
  await form.getByRole('button', { name: 'Ask for: More time' }).click();
  await page.getByText('Asked for: More time').first().waitFor();
  assert.deepEqual(sent.map((s) => s.fields), [{ organisation: 6, post: 'duty' }, { units: [8, 6] }, { into: 40 }, { until: '2026-12-01T10:00:00.000Z' }]);
});

test('a task is taken on with one press; parties are invited; related cases are a press away', async (t) => {
  const { page, open, whole } = await desk(t);
  await open(61);
  const tasks = region(page, 'Tasks');
  await tasks.getByRole('button', { name: 'Acknowledge' }).click();
  await tasks.getByText('Acknowledged by').waitFor();
  assert.ok(whole.tasks[0].acknowledged_at);
  await until(() => tasks.getByRole('button', { name: 'Acknowledge' }).count(), 0);
  const sent = page.waitForRequest('**/tasks/611/done');
  await tasks.getByRole('button', { name: 'Mark as done' }).click();
  await tasks.getByLabel('What came of it').fill('Lane closed');
  await tasks.getByRole('button', { name: 'Confirm: done' }).click();
  assert.deepEqual((await sent).postDataJSON(), { answer: 'Lane closed' });
  const parties = region(page, 'Who takes part');
  await parties.getByText('Call an agency in').click();
  await parties.getByLabel('Organisation').selectOption({ label: 'Gangwan Subdistrict' });
  await parties.getByRole('button', { name: 'Call in' }).click();
  await parties.locator('li', { hasText: 'Gangwan Subdistrict' }).waitFor();
  await page.getByText('Supervision listed: City').waitFor();
  const ties = region(page, 'Related cases');
  await until(() => ties.getByRole('link').allInnerTexts(), ['Part of case 60', 'Part: case 62', 'Part: case 63', 'Case 58', 'Case 59']);
});

test('what was written in a private case is asked for first, and can be put away', async (t) => {
  const { page, open, secret } = await desk(t);
  await open(64);
  await page.getByText('For its parties alone').waitFor();
  assert.equal(secret.opened, undefined, 'opening the page opens no vault');
  assert.equal(await page.getByText('Every night').count(), 0);
  const words = region(page, 'What was written');
  await words.getByRole('button', { name: 'Open the vault' }).click();
  await words.getByText('Every night since May.').waitFor();
  await words.getByText('Noise upstairs').waitFor();
  assert.equal(secret.opened, 1);
  await words.getByRole('button', { name: 'Hide it' }).click();
  await until(() => page.getByText('Every night').count(), 0);
});

for (const [theme, lang, width] of [['light', 'zh-CN', 1440], ['dark', 'en', 1440], ['light', 'en', 390], ['dark', 'zh-CN', 390]]) {
  test(`axe finds nothing and nothing is wider than the page: ${theme}, ${lang}, ${width}`, async (t) => {
    const { page, open } = await desk(t, { theme, lang, width });
    for (const id of [61, 64]) {
      await open(id);
      for (const b of await page.locator('.moves > li > .btn').all()) {
        await b.click();
        await audit(page, `case ${id}, ${await b.innerText()}`);
      }
      for (const s of await page.locator('summary').all()) await s.click();
      if (id === 64) await page.locator('section .row .btn').first().click();
      if (id === 61) await page.getByRole('button', { name: /Mark as done|标记完成/ }).click();
      await audit(page, `case ${id}`);
      if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/case-${id}-${theme}-${lang}-${width}.png`, fullPage: true });
    }
  });
}
