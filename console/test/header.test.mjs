// The header in Debian's Chromium: daily pages, the menu of the rest, the number that waits. Run after `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { axeSource, officers } from './officer.mjs';

const { officer } = officers();

async function open(t, how, path = 'duty') {
  const { mock, page } = await officer(t, how);
  await page.goto(`${mock.url}/console/${path}`);
  return { mock, page, nav: page.getByRole('navigation', { name: /^(Pages|页面导航)$/ }) };
}

const inside = (page) => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);

test('clock, live badge and daily pages stand whole in the bar from 1241 px up', async (t) => {
  for (const lang of ['en', 'zh-CN'])
    for (const width of [1241, 1280, 1440]) {
      const { mock, page, nav } = await open(t, { lang, width, height: 800 });
      await nav.locator('.badge').first().waitFor();
      await stands(page, lang, width);
      mock.cut(true);
      await page.locator('.live.cut').waitFor();
      await stands(page, lang, width);
    }
});

async function stands(page, lang, width) {
  const parts = await page.locator('header').evaluate((h) => [...h.querySelectorAll('.brand, .bar a, .more > button, .live, .clock, .menu > summary')].map((e) => ({ what: e.textContent.trim(), ...e.getBoundingClientRect().toJSON() })).filter((r) => r.width > 0));
  assert.equal(parts.length, 11, `${lang} ${width}`);
  for (let i = 1; i < parts.length; i++) assert.ok(parts[i].left >= parts[i - 1].right - 0.5 && parts[i].right <= width, `${lang} ${width}: ${parts[i - 1].what} | ${parts[i].what}`);
  assert.ok(parts.every((r) => r.top >= 0 && r.bottom <= 49), `${lang} ${width}: one line`);
}

test('the menu of pages is worked by keyboard alone', async (t) => {
  const { page, nav } = await open(t, { width: 1280, height: 800 });
  const more = nav.getByRole('button', { name: 'More' });
  assert.equal(await nav.getByRole('link', { name: 'Deadlines' }).count(), 0, 'closed');
  await more.focus();
  await page.keyboard.press('ArrowDown');
  const has = (name) => page.waitForFunction((n) => document.activeElement?.textContent.trim() === n, name);
  await has('New case');
  assert.equal(await more.getAttribute('aria-expanded'), 'true');
  await page.keyboard.press('End');
  await has('Health of the watch');
  await page.keyboard.press('ArrowDown');
  await has('New case');
  await page.keyboard.press('Escape');
  assert.equal(await more.getAttribute('aria-expanded'), 'false');
  assert.ok(await more.evaluate((b) => b === document.activeElement), 'the focus is back on the button');
  await page.keyboard.press('Enter');
  await nav.getByRole('link', { name: 'Deadlines' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/console\/deadlines$/);
  assert.equal(await more.getAttribute('aria-expanded'), 'false', 'a choice closes it');
  await more.click();
  assert.equal(await nav.getByRole('link', { name: 'Deadlines' }).getAttribute('aria-current'), 'page');
  await page.locator('h1').click({ position: { x: 4, y: 12 } });
  assert.equal(await more.getAttribute('aria-expanded'), 'false', 'so does a press elsewhere');
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
  assert.deepEqual(
    (await nav.getByRole('link').allInnerTexts()).map((s) => s.split('\n')[0]),
    ['Operations', 'Inbox', 'Duty', 'Response', 'Warnings', 'Cases', 'New case', 'New finding', 'New warning', 'Assets', 'Coverage', 'Roster and phones', 'Recipients', 'Sent', 'Other services', 'Verification', 'Deadlines', 'Health of the watch'],
  );
  for (const a of await nav.getByRole('link').all()) assert.ok((await a.boundingBox()).height >= 44);
  assert.ok(await inside(page));
  await nav.getByRole('link', { name: 'Cases' }).click();
  await page.waitForURL(/tab=cases/);
});

for (const lang of ['en', 'zh-CN'])
  for (const theme of ['light', 'dark'])
    for (const width of [390, 900, 1280])
      test(`axe finds nothing in the open menu: ${lang} ${theme} ${width}`, async (t) => {
        const { page, nav } = await open(t, { lang, theme, width, height: 844 });
        await nav.locator('.badge:visible').waitFor();
        await nav.locator('.more > button').click();
        await nav.locator('.sheet').waitFor();
        assert.ok(await inside(page));
        await page.evaluate(axeSource);
        const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
        assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).join('; ')}`), []);
      });
