// The header in Debian's Chromium: daily pages, the menu of the rest, the number that waits. Run after `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './browser.mjs';
import { atWidths, fits, officers } from './officer.mjs';

const { officer } = officers();

async function open(t, how, path = 'duty') {
  const { mock, page } = await officer(t, how);
  await page.goto(`${mock.url}/console/${path}`);
  return { mock, page, nav: page.getByRole('navigation', { name: /^(Pages|页面导航)$/ }) };
}

test('clock, live badge and daily pages stand whole in the bar from 1241 px up', async (t) => {
  for (const lang of ['en', 'zh-CN']) {
    const { mock, page, nav } = await open(t, { lang, width: 1440, height: 800 });
    await nav.locator('.badge').first().waitFor();
    for (const off of [false, true]) {
      mock.cut(off);
      await page.locator(off ? '.live.cut' : '.live:not(.cut)').waitFor();
      for (const width of [1241, 1280, 1440]) {
        await page.setViewportSize({ width, height: 800 });
        await until(() => faults(page, width), [], `${lang} ${width}${off ? ', cut off' : ''}`);
      }
    }
  }
});

/** What of the header doesn't stand in one line, each part beside the other. */
async function faults(page, width) {
  const parts = await page.locator('header').evaluate((h) => [...h.querySelectorAll('.brand, .bar a, .more > button, .live, .clock, .menu > summary')].map((e) => ({ what: e.textContent.trim(), ...e.getBoundingClientRect().toJSON() })).filter((r) => r.width > 0));
  return [
    ...(parts.length === 11 ? [] : [`${parts.length} parts`]),
    ...parts.slice(1).flatMap((r, i) => (r.left >= parts[i].right - 0.5 && r.right <= width ? [] : [`${parts[i].what} | ${r.what}`])),
    ...parts.filter((r) => r.top < 0 || r.bottom > 49).map((r) => `${r.what} is not in the line`),
  ];
}

test('the menu of pages is worked by keyboard alone', async (t) => {
  const { page, nav } = await open(t, { width: 1280, height: 800 });
  const more = nav.getByRole('button', { name: 'More' });
  await more.focus();
  assert.equal(await nav.getByRole('link', { name: 'Deadlines' }).count(), 0, 'closed');
  await page.keyboard.press('ArrowDown');
  const has = (name) => page.waitForFunction((n) => document.activeElement?.textContent.trim() === n, name);
  await has('New case');
  await until(() => more.getAttribute('aria-expanded'), 'true');
  await page.keyboard.press('End');
  await has('Health of the watch');
  await page.keyboard.press('ArrowDown');
  await has('New case');
  await page.keyboard.press('Escape');
  await until(() => more.getAttribute('aria-expanded'), 'false');
  await until(() => more.evaluate((b) => b === document.activeElement), true, 'the focus is back on the button');
  await page.keyboard.press('Enter');
  await until(() => more.getAttribute('aria-expanded'), 'true');
  await nav.getByRole('link', { name: 'Deadlines' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/console\/deadlines$/);
  await until(() => more.getAttribute('aria-expanded'), 'false', 'a choice closes it');
  await more.click();
  await until(() => nav.getByRole('link', { name: 'Deadlines' }).getAttribute('aria-current'), 'page');
  await page.locator('h1').click({ position: { x: 4, y: 12 } });
  await until(() => more.getAttribute('aria-expanded'), 'false', 'so does a press elsewhere');
});

test('the badge counts what waits in the inbox, and follows it', async (t) => {
  const { mock, page, nav } = await open(t, { width: 1280, height: 800 });
  await nav.getByRole('link', { name: 'Inbox 3 wait' }).waitFor();
  mock.inbox.give({});
  await nav.getByRole('link', { name: 'Inbox 4 wait' }).waitFor();
  await nav.getByRole('link', { name: /^Inbox/ }).click();
  await page.getByRole('button', { name: /^Acknowledge/ }).first().click();
  await nav.getByRole('link', { name: 'Inbox 3 wait' }).waitFor();
});

test('on a phone all pages are in the menu, with the number that waits on its button', async (t) => {
  const { page, nav } = await open(t, { width: 390, height: 844 });
  const menu = nav.getByRole('button', { name: 'Menu 3 wait' });
  await menu.click();
  await until(
    async () => (await nav.getByRole('link').allInnerTexts()).map((s) => s.split('\n')[0]),
    ['Operations', 'Inbox', 'Duty', 'Response', 'Warnings', 'Cases', 'New case', 'New finding', 'New warning', 'Assets', 'Coverage', 'Roster and phones', 'Recipients', 'Sent', 'Other services', 'Verification', 'Deadlines', 'Health of the watch'],
  );
  for (const a of await nav.getByRole('link').all()) assert.ok((await a.boundingBox()).height >= 44);
  assert.ok(await fits(page));
  await nav.getByRole('link', { name: 'Cases' }).click();
  await page.waitForURL(/tab=cases/);
});

for (const lang of ['en', 'zh-CN'])
  for (const theme of ['light', 'dark'])
    test(`axe finds nothing in the open menu: ${lang} ${theme}`, async (t) => {
      const { page, nav } = await open(t, { lang, theme, width: 390, height: 844 });
      await nav.locator('.badge:visible').waitFor();
      await nav.locator('.more > button').click();
      await nav.locator('.sheet').waitFor();
      await atWidths(page, 'the menu', [390, 900, 1280]);
    });
