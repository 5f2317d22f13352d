// Opening a case by hand in Debian's Chromium, against the mock city. Run after `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './browser.mjs';
import { audit, officers } from './officer.mjs';

const { officer } = officers();

async function open(t, how, path) {
  const { mock, page } = await officer(t, how);
  await page.goto(`${mock.url}/console/${path}`);
  return { mock, page };
}

test('a person opens a case from the list of cases, by keyboard, and stands in it', async (t) => {
  const { mock, page } = await open(t, { width: 1440, height: 900 }, '?tab=cases');
  await page.locator('main').getByRole('link', { name: 'New case' }).click();
  await page.waitForURL(/\/cases\/new$/);
  const form = page.getByRole('form', { name: 'New case' });
  await until(async () => (await form.locator('.kinds label').allInnerTexts()).map((s) => s.trim()), ['Enterprise request', 'Emergency incident', 'Dispute mediation'], 'a lesson is made from a room');
  await form.getByRole('button', { name: 'Open the case' }).click();
  await page.waitForFunction(() => document.activeElement?.name === 'kind');
  await page.keyboard.press('Space');
  await page.getByLabel('Title', { exact: true }).fill('Power for the new hall');
  await page.getByLabel('What it is about').selectOption('policy');
  await page.getByLabel('Level').selectOption('yellow');
  await page.getByLabel('Asset', { exact: false }).last().fill('104');
  await form.locator('.found button').first().click();
  await form.getByRole('button', { name: 'Choose another' }).waitFor();
  await page.getByLabel('Title', { exact: true }).press('Enter');
  await page.waitForURL(/\/cases\/\d+$/);
  const sent = mock.world.opened;
  assert.ok(Number.isInteger(sent.asset) && sent.asset > 0);
  assert.deepEqual({ ...sent, asset: 0 }, { kind: 'enterprise-request', title: 'Power for the new hall', level: 'yellow', asset: 0, fields: { subject: 'policy' } });
});

test('a refusal stands at its field, and a private case has no level', async (t) => {
  const { mock, page } = await open(t, { width: 1440, height: 900 }, 'cases/new?kind=dispute-mediation');
  await page.getByText(/vault|ledger/).first().waitFor();
  await until(() => page.getByLabel('Level').count(), 0);
  await page.getByLabel('Title', { exact: true }).fill('refuse me');
  await page.getByRole('button', { name: 'Open the case' }).click();
  await page.locator('#spot-asset-problem').getByText('there is no such asset').waitFor();
  assert.equal(mock.world.opened, undefined);
  await page.getByLabel('At a point').check();
  await page.getByLabel('Coordinates').fill('somewhere');
  await page.getByRole('button', { name: 'Open the case' }).click();
  await page.getByText('Write two numbers').waitFor();
  await page.getByLabel('Coordinates').fill('31.06, 123.52');
  await page.getByLabel('Title', { exact: true }).fill('Noise upstairs');
  await page.getByRole('button', { name: 'Open the case' }).click();
  await page.waitForURL(/\/cases\/\d+$/);
  assert.deepEqual(mock.world.opened, { kind: 'dispute-mediation', title: 'Noise upstairs', point: [123.52, 31.06] });
});

for (const [lang, theme, width] of [['zh-CN', 'light', 1440], ['en', 'dark', 1440], ['zh-CN', 'dark', 390], ['en', 'light', 390]])
  test(`axe finds nothing and nothing is wider than the page: ${lang} ${theme} ${width}`, async (t) => {
    const { page } = await open(t, { lang, theme, width, height: 844 }, 'cases/new?kind=enterprise-request');
    await page.locator('#spot-asset').fill('1');
    await page.locator('.found li').first().waitFor();
    await page.locator('form button.main').click();
    await page.locator('#case-title-problem').waitFor();
    await audit(page, 'the form');
  });
