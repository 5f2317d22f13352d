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
 * Returns officer, which signs one in (how is the reader's language, theme and size, and as whom, by the button; options are the mock
 * city's), and the browser for a test that signs in by itself.
 */
export function officers() {
  let browser;
  const trouble = [];
  before(async () => {
    browser = await launch();
  });
  after(async () => {
    await browser?.close();
    assert.deepEqual(trouble, []);
  });
  async function officer(t, { as = /Continue as demo duty officer|以演示值班员/, ...how } = {}, options = {}) {
    const mock = await startMock(options);
    const context = await reader(browser, how);
    t.after(async () => {
      await context.close();
      await mock.stop();
    });
    context.on('request', (r) => /^(https?|wss?):/.test(r.url()) && !r.url().startsWith(mock.url) && trouble.push(`${t.name}: request to ${r.url()}`));
    const page = await context.newPage();
    page.on('pageerror', (e) => trouble.push(`${t.name}: ${e.message}`));
    page.on('console', (m) => m.type() === 'error' && /Content Security Policy|Refused to/.test(m.text()) && trouble.push(`${t.name}: ${m.text()}`));
    await page.goto(`${mock.url}/console/sign-in`);
    await page.getByRole('button', { name: as }).click();
    await page.locator('details.menu .who').waitFor();
    return { mock, page };
  }
  return { officer, browser: () => browser };
}
