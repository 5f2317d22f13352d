// The page of coverage in Debian's Chromium against the mock city. Run after `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { focus, focused, until } from './browser.mjs';
import { audit, fits, officers } from './officer.mjs';

const { officer: signIn } = officers();

async function officer(t, how = {}) {
  const { mock, page } = await signIn(t, how);
  page.open = (path = '') => page.goto(`${mock.url}/console/coverage${path}`);
  return { page, mock };
}

const listed = (page) => page.locator('.rows .word').allInnerTexts();

test('what is blind stands first, and each number leads to the list behind it', async (t) => {
  const { page } = await officer(t);
  await page.open();
  await page.locator('.rows a').first().waitFor();
  await until(async () => (await listed(page))[0], 'Unwatched');
  const table = page.getByRole('table').first();
  const cell = table.getByRole('link', { name: /^0\/\d+, District flow meter, Gangwan, \d+ unwatched$/ });
  const needed = /^0\/(\d+),/.exec(await cell.getAttribute('aria-label'))[1];
  await cell.click();
  await page.waitForURL(/kind=flow-meter&area=11&state=unwatched$/);
  await until(async () => String((await listed(page)).length), needed);
  assert.ok((await page.locator('.rows .sub').allTextContents()).every((s) => s.includes('Gangwan')));

  // A reload keeps the view; the button takes one part of it back.
  await page.reload();
  await page.locator('.rows a').first().waitFor();
  const unwatched = page.getByRole('button', { name: /^Unwatched/ });
  await until(() => unwatched.getAttribute('aria-pressed'), 'true');
  await unwatched.click();
  await page.waitForURL((u) => !u.search.includes('state='));
  await page.getByLabel('Kind', { exact: true }).selectOption('');
  await page.getByLabel('Area', { exact: true }).selectOption('');
  await page.getByRole('button', { name: /^Calibration overdue/ }).click();
  await page.waitForFunction(() => document.querySelectorAll('.rows a').length === 1);
  await page.getByText('Calibration was due on 2026-11-01').waitFor();
  await page.getByRole('button', { name: /^Calibration overdue/ }).click();
  await page.getByRole('searchbox').fill('no such thing');
  await page.locator('.rows').getByText('Nothing matches the filter.').waitFor();
});

test('planned works are announced and ended in the dialog of the asset', async (t) => {
  const { page, mock } = await officer(t);
  await page.open('?state=mute');
  await page.locator('.rows a').first().waitFor();
  const silent = (await listed(page)).length;
  await page.locator('.rows a').first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('silent for 2 h 5 min').waitFor();
  assert.equal(await dialog.getByText('Record a calibration').count(), 0, 'who may not is not asked');
  await dialog.getByText('Announce planned works', { exact: true }).click();
  await dialog.getByRole('button', { name: 'Announce', exact: true }).click();
  await dialog.getByText('Please fill this in.').nth(1).waitFor();
  await page.waitForFunction(() => document.activeElement.id === 'works-reason');
  await dialog.getByLabel('What is done?').fill('The hose is replaced');
  await dialog.getByLabel('Until').fill('2026-11-23 10:00');
  await dialog.getByRole('button', { name: 'Announce', exact: true }).click();
  await dialog.getByText('this time has passed').waitFor();
  await dialog.getByLabel('Until').fill('2026-11-23 18:00');
  await dialog.getByRole('button', { name: 'Announce', exact: true }).click();
  await dialog.getByText('on now').waitFor();
  await dialog.getByText('silent for 2 h 5 min').waitFor(); // the reason stands beside the silence, not in its place
  const post = mock.requests.filter((r) => r.method === 'POST' && r.path.endsWith('/works')).at(-1);
  assert.ok(post.headers['idempotency-key']);
  await page.waitForFunction((n) => document.querySelectorAll('.rows a').length === n, silent - 1); // no longer among the silent
  await dialog.getByRole('button', { name: 'End the works now' }).click();
  await dialog.getByText('None are on or to come.').waitFor();
  await page.waitForFunction((n) => document.querySelectorAll('.rows a').length === n, silent);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await page.waitForFunction(() => !location.search.includes('sel=') && document.activeElement.id.startsWith('row-asset-'));
});

test('a calibration is recorded, and what was overdue no longer is', async (t) => {
  const { page } = await officer(t, { as: 'second-officer' });
  await page.open('?only=overdue');
  await page.locator('.rows a').first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Record a calibration').click();
  await dialog.getByLabel('Certificate').fill('JL-2026-0311');
  await dialog.getByLabel('Next due on').fill('28.11.2027');
  await dialog.getByRole('button', { name: 'Record', exact: true }).click();
  await dialog.getByText('expected a date such as 2027-11-28').waitFor();
  await dialog.getByLabel('Next due on').fill('2027-11-28');
  await dialog.getByRole('button', { name: 'Record', exact: true }).click();
  await dialog.getByText('Calibration valid').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.rows').getByText('Nothing matches the filter.').waitFor();
});

test('the keyboard: j k Enter m /', async (t) => {
  const { page } = await officer(t);
  await page.open();
  await page.locator('.rows a').nth(1).waitFor();
  const ids = await page.locator('.rows a').evaluateAll((l) => l.map((a) => a.id));
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await focus(page, ids[1]);
  await page.keyboard.press('k');
  await focus(page, ids[0]);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.locator('dialog[open] .parts').waitFor();
  await page.keyboard.press('j'); // not through an open dialog
  await page.keyboard.press('Escape');
  await page.waitForFunction((id) => document.activeElement.id === id, ids[0]);
  await page.locator('.maplibregl-canvas').waitFor();
  // The map takes the key once it has loaded.
  await until(async () => (await page.keyboard.press('m'), (await focused(page)).cls), /maplibregl-canvas/);
  await page.keyboard.press('/');
  await until(async () => (await focused(page)).type, 'search');
});

test('on a narrow screen nothing scrolls sideways but the table', async (t) => {
  const { page } = await officer(t, { width: 390, height: 844 });
  for (const path of ['', '?state=mute', '?sel=101']) {
    await page.open(path);
    await page.locator('.rows a').first().waitFor();
    if (path.includes('sel')) await page.locator('dialog[open] .parts').waitFor();
    assert.ok(await fits(page), path);
  }
});

for (const [theme, lang] of [['light', 'en'], ['dark', 'zh-CN']])
  test(`axe finds nothing: ${theme}, ${lang}`, async (t) => {
    const { page, mock } = await officer(t, { theme, lang, as: 'second-officer' });
    await page.open();
    await page.locator('.rows a').first().waitFor();
    await page.locator('.maplibregl-canvas').waitFor();
    await audit(page, 'the page');
    await page.locator('.rows a').first().click();
    await page.locator('dialog[open] .parts').waitFor();
    for (const s of await page.locator('dialog[open] summary').all()) await s.click();
    for (const b of await page.locator('dialog[open] form button.main').all()) await b.click();
    await audit(page, 'the dialog');
    await page.goto(`${mock.url}/console/assets/104`);
    await page.locator('.parts').waitFor();
    await audit(page, 'the asset');
  });
