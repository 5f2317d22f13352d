// For a file of tests at the mock city: one browser for all of them, an officer signed in for each, and nothing may go wrong in
// the pages meanwhile.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before } from 'node:test';
import { launch, reader } from './browser.mjs';
import { startMock } from './mock.mjs';

export const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/**
 * Returns officer, which gives a page that one is signed in at (how is the reader's language, theme and size, as whom, in which
 * city if there is one already, and what the browser needs before; options are the mock city's). It is empty until it is opened:
 * pages.test.mjs signs in by the buttons, and each test that did would load two pages more than it is about.
 */
export function officers() {
  let browser;
  /** Requests to another host, script errors and policy violations, from every page of every test. */
  const trouble = [];
  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    assert.deepEqual(trouble, []);
  });
  async function officer(t, { as = 'duty-officer', city, prepare, ...how } = {}, options = {}) {
    const mock = city ?? (await startMock(options));
    const context = await reader(browser, how);
    t.after(async () => {
      await context.close();
      if (!city) await mock.stop();
    });
    await prepare?.(context);
    context.on('request', (r) => /^(https?|wss?):/.test(r.url()) && !r.url().startsWith(mock.url) && trouble.push(`${t.name}: request to ${r.url()}`));
    const page = await context.newPage();
    page.on('pageerror', (e) => trouble.push(`${t.name}: ${e.message}`));
    page.on('console', (m) => m.type() === 'error' && /Content Security Policy|Refused to/.test(m.text()) && trouble.push(`${t.name}: ${m.text()}`));
    if (as) assert.ok((await context.request.post(`${mock.url}/api/v1/session/demo`, { headers: { 'Idempotency-Key': `${as} signs in ${Math.random()}` }, data: { as } })).ok());
    page.open = (path = '') => page.goto(`${mock.url}/console/${path}`);
    return { mock, page };
  }
  return { officer, browser: () => browser, trouble };
}

/** Nothing that axe finds, and nothing wider than the page. A toast comes and goes by the clock: its words, which are said in a live region, are all of it. */
export async function audit(page, where = '') {
  await page.evaluate(() => scrollTo(0, 0)); // what the bar covers is no target
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axeSource);
  const found = await page.evaluate(() => globalThis.axe.run({ include: ['html'], exclude: ['.toast'] }, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} (${n.failureSummary.replace(/\s+/g, ' ')})`).join('; ')}`), [], where);
  assert.ok(await fits(page), `${where} is wider than the page`);
}
/** One page as readers of several widths have it, opened once. */
export async function atWidths(page, where, widths, also = () => {}) {
  const { height } = page.viewportSize();
  for (const width of widths) {
    await page.setViewportSize({ width, height });
    await audit(page, `${where} at ${width} px`);
    await also(width);
  }
}
export const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
