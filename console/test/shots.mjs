// Pictures of the pages for a person to look at: node test/shots.mjs [name part]

import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launch, reader } from './browser.mjs';
import { startMock } from './mock.mjs';

const out = fileURLToPath(new URL('./shots/', import.meta.url));
await mkdir(out, { recursive: true });
const only = process.argv[2] ?? '';

const PAGES = [
  ['alerts', ''],
  ['alert', '?sel=alert:118'],
  ['case', '?tab=cases&sel=case:38'],
  ['case40', '?tab=cases&sel=case:40'],
  ['reports', '?tab=reports&sel=report:71'],
  ['warnings', '?tab=warnings&sel=warning:22'],
  ['map', '?view=map'],
  ['asset', 'assets/108'],
  ['readings', 'assets/108?from=2026-11-23T03:00:00Z&to=2026-11-23T05:00:00Z'],
  ['month', 'assets/108?range=month'],
  ['assets', 'assets'],
  ['coverage', 'coverage'],
  ['coverage-asset', 'coverage?sel=104'],
  ['watch', 'watch'],
  ['inbox', 'inbox'],
  ['refused', 'watch/refused'],
  ['finding', 'findings/new'],
  ['compose', 'warnings/new'],
];

const mock = await startMock();
const browser = await launch();
for (const lang of ['en', 'zh-CN'])
  for (const theme of ['light', 'dark'])
    for (const [w, h] of [[1440, 900], [390, 844]]) {
      const tag = `${lang === 'en' ? 'en' : 'zh'}-${theme}-${w}`;
      if (only && ![...PAGES.map(([n]) => n), 'signin', 'help', 'menu', 'cut'].some((n) => `${n}-${tag}`.includes(only))) continue;
      const context = await reader(browser, { lang, theme, width: w, height: h });
      const page = await context.newPage();
      page.on('pageerror', (e) => console.log(tag, 'page error:', e.message));
      page.on('console', (m) => ['error', 'warning'].includes(m.type()) && !/401/.test(m.text()) && console.log(tag, m.text()));
      const shot = async (name) => `${name}-${tag}`.includes(only) && (await page.screenshot({ path: `${out}${name}-${tag}.png` }));
      await page.goto(mock.url + '/console/');
      await page.getByRole('button', { name: /demo duty|演示值班员/ }).waitFor();
      await shot('signin');
      await page.getByRole('button', { name: /demo duty|演示值班员/ }).click();
      await page.locator('.rows a').first().waitFor();
      for (const [name, url] of PAGES) {
        if (!`${name}-${tag}`.includes(only)) continue;
        await page.goto(mock.url + '/console/' + url);
        await page.locator('h1, h2').first().waitFor({ state: 'attached' });
        await page.waitForTimeout(w > 1000 && !url.includes('/') ? 2500 : 900);
        await shot(name);
      }
      await context.close();
    }
await browser.close();
await mock.stop();
