// What several people do on the console's pages, for the tests that need more
// of them than the demo has.

import assert from 'node:assert/strict';
import { reader } from '../test/browser.mjs';

const PASSWORD = 'correct horse battery staple';

/** Asks the server as its administrator: to know the way, and to give people their accounts. */
export function city(url, token) {
  return async (method, to, body) => {
    const res = await fetch(url + '/api/v1' + to, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json', 'Idempotency-Key': String(Math.random()) },
      body: body && JSON.stringify(body),
    });
    const out = await res.json();
    assert.ok(res.ok, `${method} ${to}: ${res.status} ${JSON.stringify(out)}`);
    return out;
  };
}

/** An account; whoever it is for opens the link and chooses a password. */
export async function invite(browser, url, ask, account) {
  const made = await ask('POST', '/accounts', account);
  const context = await reader(browser, { lang: 'en' });
  try {
    const page = await context.newPage();
    await page.goto(url + new URL(made.link, url).pathname);
    await page.locator('input[name="password"]').fill(PASSWORD);
    await page.locator('input[name="repeat"]').fill(PASSWORD);
    const answer = page.waitForResponse((r) => r.request().method() === 'POST');
    await page.locator('form button').click();
    assert.equal((await answer).status(), 200);
  } finally {
    await context.close();
  }
  return account.name;
}

/** At the page `at`, where the console asks who it is. */
export async function signInAs(browser, url, name, { at = 'sign-in', ...how } = {}) {
  const context = await reader(browser, { lang: 'en', ...how });
  const foreign = [];
  context.on('request', (r) => /^(https?|wss?):/.test(r.url()) && new URL(r.url()).host !== new URL(url).host && foreign.push(r.url()));
  const page = await context.newPage();
  await page.goto(`${url}/console/${at}`);
  await page.getByLabel('Name', { exact: true }).fill(name);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.locator('details.menu .who').waitFor();
  return { context, page, foreign };
}

/** On a case's page: takes its task on with one click, and reports it done. */
export async function takeTask(scope, title, answer) {
  const task = scope.getByRole('listitem').filter({ hasText: title }).filter({ has: scope.page().getByRole('button', { name: 'Mark as done' }) });
  const asked = [];
  const page = scope.page();
  const listen = (r) => r.method() === 'POST' && asked.push(new URL(r.url()).pathname);
  page.on('request', listen);
  await task.getByRole('button', { name: 'Acknowledge', exact: true }).click();
  await task.getByText(/Acknowledged by/).waitFor();
  page.off('request', listen);
  assert.equal(asked.length, 1, `one click, one request: ${asked}`);
  await task.getByRole('button', { name: 'Mark as done' }).click();
  await task.getByLabel('What came of it').fill(answer);
  await task.getByRole('button', { name: 'Confirm: done' }).click();
  await scope.getByText(answer).first().waitFor();
}

/** On a case's page: attaches a photo, or a form as PDF. */
export async function attachFile(scope, file, caption) {
  await scope.getByRole('button', { name: 'Attach a photo' }).click();
  const form = scope.getByRole('form', { name: 'Attach a photo' });
  await form.getByLabel('Photo, or a form as PDF').setInputFiles(file);
  await form.getByLabel('Caption').fill(caption);
  await form.getByRole('button', { name: 'Attach', exact: true }).click();
  await form.waitFor({ state: 'detached' });
  await scope.locator('.evidence > li').filter({ hasText: caption }).waitFor();
}

/** What a case's page says of its past: kind, who, what; the oldest first. */
export async function history(scope) {
  const section = scope.locator('section', { has: scope.page().getByRole('heading', { name: 'Timeline' }) });
  return (
    await section.locator('ol > li').evaluateAll((all) =>
      all.map((li) => {
        const [head, what] = li.querySelectorAll('p');
        return { kind: li.className.split(' ')[0], who: head.innerText.replace(head.querySelector('time')?.innerText ?? '', '').trim(), what: what?.innerText ?? '' };
      }),
    )
  ).reverse();
}

/** How the limits of a case ended, as its page says it: [what, how], and what still runs. */
export async function kept(scope) {
  const section = scope.locator('section', { has: scope.page().getByRole('heading', { name: 'Limits' }) });
  const ended = section.locator('details');
  await ended.locator('summary').click();
  return {
    running: await section.locator(':scope > ul > li').allInnerTexts(),
    ended: await ended.locator('li').evaluateAll((all) =>
      all.map((li) => {
        const [what, how] = li.querySelectorAll('p');
        return [what.innerText, how.querySelector('.tag').innerText];
      }),
    ),
  };
}
