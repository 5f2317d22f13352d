// The first way through the house, as a person goes it in the browser: from the
// first alert to a case that a second officer has verified and closed.
//
//   ANLAN_URL=http://127.0.0.1:8080 node e2e/journey.mjs
//
// The server must be a demo (it signs two officers in without a password). It
// prints a line per step; the exit code is 0 when the case is closed. Pictures
// of each step go to ANLAN_SHOTS, a folder, if that is set.

import assert from 'node:assert/strict';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch, reader } from '../test/browser.mjs';

/** How long the slow things may take, in ms: a leak has to happen first, and later to thin out. */
const DEFAULT_PATIENCE = { alert: 120_000, reading: 300_000, step: 20_000 };

export async function journey({ url, browser, log = console.log, patience = DEFAULT_PATIENCE, shots = '' }) {
  const started = Date.now();
  let n = 0;
  const step = async (text, page) => {
    n++;
    log(`step=${n} t=${((Date.now() - started) / 1000).toFixed(1)}s ${text}`);
    if (shots && page) await page.screenshot({ path: path.join(shots, `journey-${String(n).padStart(2, '0')}.png`) });
  };

  const first = await signIn(browser, url, 'Continue as demo duty officer', patience);
  try {
    const duty = first.page;
    await step('signed in as demo duty officer', duty);

    // The first alert that has a case: an instrument that fell silent has none.
    const row = duty.locator('.rows a').filter({ hasText: /\bCase \d+\b/ }).filter({ hasText: /\bNew\b/ }).first();
    await waitForRow(duty, row, patience.alert);
    const said = (await row.innerText()).replace(/\s+/g, ' ');
    await row.click();
    const drawer = duty.getByRole('complementary');
    await drawer.getByRole('heading', { name: 'The rule in words' }).waitFor({ timeout: patience.step });
    const rule = await drawer.locator('section', { has: duty.getByRole('heading', { name: 'The rule in words' }) }).locator('p').first().innerText();
    assert.ok(rule.length > 10, `the alert names its rule in words, got ${JSON.stringify(rule)}`);
    await step(`alert: ${said}; rule: ${rule}`, duty);

    await drawer.getByLabel('Note').fill('Crew called, street closed.');
    await drawer.getByRole('button', { name: 'Acknowledge', exact: true }).click();
    await drawer.getByText('Acknowledged', { exact: true }).first().waitFor({ timeout: patience.step });
    await step('acknowledged', duty);

    const open = drawer.getByRole('link', { name: /^Open case \d+$/ });
    const caseId = /\d+/.exec(await open.innerText())[0];
    await open.click();
    await drawer.getByRole('heading', { name: 'What can be done next' }).waitFor({ timeout: patience.step });
    await step(`case ${caseId} opened`, duty);

    await drawer.getByText('Add a task', { exact: true }).first().click();
    await drawer.getByLabel('What is to be done').fill('Close the valve upstream');
    await drawer.getByRole('button', { name: 'Add the task' }).click();
    await drawer.getByText('Close the valve upstream').first().waitFor({ timeout: patience.step });
    await step('task added', duty);

    await move(duty, drawer, 'Accept', {}, patience);
    await move(duty, drawer, 'Crew has arrived', {}, patience);
    await attachNote(drawer, 'Flange on the riser was leaking; bolts tightened, soap test dry.', patience);
    await step('accepted, on site, note attached', duty);
    await move(duty, drawer, 'Report made safe', { Cause: { choose: 1 }, 'What was done': 'Flange repaired.' }, patience);
    await step('reported made safe', duty);

    // Nobody verifies his own work: the move is shown, and refused with the reason.
    const own = drawer.getByRole('button', { name: 'Verify and close', exact: true });
    await own.waitFor({ timeout: patience.step });
    assert.equal(await own.getAttribute('aria-disabled'), 'true', 'the one who reported it safe must not be able to verify it');
    const why = await drawer.locator(`[id="${await own.getAttribute('aria-describedby')}"]`).innerText();
    assert.ok(why.length > 10, 'a refused move says why');
    await step(`own verification refused: ${why}`, duty);

    const second = await signIn(browser, url, 'Continue as second officer', patience);
    try {
      const other = second.page;
      await other.goto(`${url}/console/cases/${caseId}`);
      const main = other.getByRole('main');
      await main.getByRole('heading', { name: 'What can be done next' }).waitFor({ timeout: patience.step });
      await step('second officer opens the case', other);

      const tried = await attachReadingUntilAllowed(main, 'Verify and close', patience);
      await step(`reading back under the limit attached (${tried} tried)`, other);
      await move(other, main, 'Verify and close', {}, patience);
      await main.getByText('Closed', { exact: true }).first().waitFor({ timeout: patience.step });
      await step('verified and closed by the second officer', other);
    } finally {
      await second.context.close();
    }

    // The first officer sees it without asking.
    await drawer.getByText('Closed', { exact: true }).first().waitFor({ timeout: patience.step });
    await step(`case ${caseId} is closed on the first desk too`, duty);
    const foreign = first.foreign;
    assert.deepEqual(foreign, [], 'no request leaves the host');
    return { caseId: Number(caseId), seconds: (Date.now() - started) / 1000 };
  } finally {
    await first.context.close();
  }
}

export async function signIn(browser, url, button, patience = DEFAULT_PATIENCE, how = {}) {
  const context = await reader(browser, { lang: 'en', ...how });
  const foreign = [];
  context.on('request', (r) => /^(https?|wss?):/.test(r.url()) && new URL(r.url()).host !== new URL(url).host && foreign.push(r.url()));
  const page = await context.newPage();
  await page.goto(`${url}/console/`);
  await page.getByRole('button', { name: button }).click({ timeout: patience.step });
  await page.locator('details.menu .who').waitFor({ timeout: patience.step });
  return { context, page, foreign };
}

/** New rows wait behind a button, so that the list does not move: press it when it is there. */
export async function waitForRow(page, row, ms) {
  const more = page.getByRole('button', { name: /^\d+ new, show/ });
  const end = Date.now() + ms;
  while (Date.now() < end) {
    await row.or(more).first().waitFor({ timeout: Math.max(1, end - Date.now()) });
    if (await row.isVisible()) return;
    await more.click({ timeout: 2_000 }).catch(() => {}); // it may just have gone
    await row.waitFor({ timeout: 1_000 }).catch(() => {});
  }
  assert.fail(`no alert with a case within ${ms} ms`);
}

/** Opens the form of a move, fills what it asks for, confirms, and waits for the state to change. */
export async function move(page, scope, name, answers, patience = DEFAULT_PATIENCE) {
  const button = scope.getByRole('button', { name, exact: true });
  await button.click({ timeout: patience.step });
  const form = scope.getByRole('form', { name, exact: true });
  for (const [label, answer] of Object.entries(answers)) {
    const field = form.getByLabel(label, { exact: true });
    if (typeof answer === 'object') await field.selectOption(answer.label ? { label: answer.label } : { index: answer.choose });
    else await field.fill(answer);
  }
  // What another person has to grant is asked for, not confirmed.
  await form.getByRole('button', { name: `Confirm: ${name}` }).or(form.getByRole('button', { name: `Ask for: ${name}` })).click();
  try {
    await form.waitFor({ state: 'detached', timeout: patience.step });
  } catch {
    assert.fail(`${name} was not carried out: ${await form.innerText()}`);
  }
}

export async function attachNote(scope, text, patience = DEFAULT_PATIENCE) {
  await scope.getByRole('button', { name: 'Attach a note' }).click();
  await scope.getByLabel('What it shows').fill(text);
  await scope.getByRole('button', { name: 'Attach', exact: true }).click();
  await scope.getByText(text).first().waitFor({ timeout: patience.step });
}

/**
 * A reading proves something only when it is newer than the repair and under
 * the limit, and gas needs time to thin out: wait until the newest is, attach
 * it, and look whether the move is allowed then.
 */
export async function attachReadingUntilAllowed(scope, moveName, patience) {
  const button = scope.getByRole('button', { name: moveName, exact: true });
  const item = scope.locator('li', { has: scope.page().getByRole('button', { name: moveName, exact: true }) });
  const wanted = await item.innerText();
  const limits = new Map([...wanted.matchAll(/below ([\d.]+) (\S+)/g)].map((m) => [m[2], Number(m[1])]));
  const end = Date.now() + patience.reading;
  let tried = 0;
  let last = '';
  while (Date.now() < end) {
    await scope.getByRole('button', { name: 'Attach a reading' }).click();
    const newest = scope.locator('.latest');
    await newest.waitFor({ timeout: patience.step });
    // The form asks again by itself; a reading that was tried proves nothing new.
    for (;;) {
      const stamp = await newest.locator('time').getAttribute('datetime').catch(() => '');
      const [, value, unit] = /^(-?[\d.,]+) (\S+)$/.exec(await newest.locator('strong').innerText().catch(() => '')) ?? [];
      const limit = limits.get(unit);
      if (stamp && stamp !== last && (limit === undefined || Number(value.replaceAll(',', '')) < limit)) {
        last = stamp;
        break;
      }
      if (Date.now() >= end) assert.fail(`the newest reading is still ${value} ${unit}, not below ${limit}`);
      await newest.page().waitForTimeout(500);
    }
    tried++;
    const items = scope.locator('.evidence > li');
    const before = await items.count();
    await scope.getByRole('button', { name: 'Attach', exact: true }).click();
    await items.nth(before).waitFor({ timeout: patience.step });
    // The moves come with the same answer as the evidence.
    if ((await button.getAttribute('aria-disabled')) !== 'true') return tried;
  }
  const why = await scope.locator(`[id="${await button.getAttribute('aria-describedby')}"]`).innerText();
  assert.fail(`${moveName} still not allowed after ${tried} readings: ${why}`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const url = (process.env.ANLAN_URL ?? '').replace(/\/+$/, '');
  if (!url) {
    console.error('ANLAN_URL is not set: give the address of a demo server, such as http://127.0.0.1:8080');
    process.exit(2);
  }
  const browser = await launch();
  try {
    const r = await journey({ url, browser, shots: process.env.ANLAN_SHOTS ?? '' });
    console.log(`journey=ok case=${r.caseId} seconds=${r.seconds.toFixed(1)}`);
  } catch (err) {
    console.error(`journey=failed ${err.stack ?? err}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
