// What the three tours share: officers and agencies at the console, a reader without JavaScript, a machine that reads the feeds, an
// organisation that is told, and the command line.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { launch, reader } from '../test/browser.mjs';
import { city, invite, signInAs } from './people.mjs';
import { attachReadingUntilAllowed, move, signIn } from './journey.mjs';

const run = promisify(execFile);

/** In ms. Whatever has to happen in the city first is waited for longer than a step of a person. */
export const PATIENCE = { city: 120_000, alert: 120_000, reading: 240_000, step: 60_000 };

/**
 * Starts a tour: `name` calls its steps and pictures. `env` is what the Go test, or a person, says: the server's address, its local
 * token and data folder; the commands of the program are found on the path.
 */
export async function begin(name, { url, token, data, browser, log = console.log, shots = '', out = '' }) {
  const started = Date.now();
  const ask = city(url, token);
  const open = [];
  const closing = [];
  let n = 0;
  const t = {
    url,
    ask,
    browser,
    data,
    step: (text) => log(`step=${++n} t=${((Date.now() - started) / 1000).toFixed(1)}s ${text}`),
    log,
    seconds: () => (Date.now() - started) / 1000,
    /** Pictures are 1280 wide; docs/tour.md shows some. */
    async shoot(page, what) {
      if (shots) await page.screenshot({ path: path.join(shots, `tour-${name}-${what}.jpg`), type: 'jpeg', quality: 62 });
    },
    async enter(session) {
      const s = await session;
      s.page.setDefaultTimeout(PATIENCE.step);
      open.push(s);
      return s.page;
    },
    /** An account of an organisation, or of the city where none is said, at a desk of its own. */
    async person(account, how = {}) {
      const { organisation = 0, ...rest } = account;
      await invite(browser, url, ask, { ...rest, organisation, ...(organisation ? {} : { city_wide: true }) });
      return t.enter(signInAs(browser, url, account.name, { width: 1280, height: 860, ...how }));
    },
    demo: (button, how = {}) => t.enter(signIn(browser, url, button, PATIENCE, { width: 1280, height: 860, ...how })),
    /** Asks the server as whoever sits at the page: what a person decides, the local token may not. */
    async as(page, method, to, body) {
      const res = await page.request.fetch(`${url}/api/v1${to}`, { method, data: body, headers: { 'Idempotency-Key': String(Math.random()) } });
      assert.ok(res.ok(), `${method} ${to}: ${res.status()} ${await res.text()}`);
      return res.json();
    },
    /** The open case in which an alert is dealt with: its own, or another that it has joined, since one cause is one case. */
    async findCase(alert) {
      const cases = (await ask('GET', '/cases?state=open&limit=1000')).items;
      const own = cases.find((c) => c.alert === alert.id);
      if (own) return own;
      for (const c of cases.filter((c) => c.alert).sort((a, b) => (b.alert === alert.lead) - (a.alert === alert.lead))) {
        const { timeline } = await ask('GET', `/cases/${c.id}`);
        if (timeline.some((e) => e.kind === 'alert' && e.data?.alert === alert.id)) return c;
      }
    },
    caseOf: (alert) => t.until(`the case of alert ${alert.id}`, () => t.findCase(alert)),
    /** A command of the program, with the server's address and data folder. */
    async anlan(...args) {
      const { stdout } = await run('anlan', args);
      return stdout;
    },
    /** The leader of the drill lets its time run fast until a time of it, or until somebody slows it down. People decide at the pace of life. */
    pace: (speed, until) => t.anlan('pace', String(speed), ...(until ? ['--until', until] : []), '--url', url, '--data', data),
    /** Lets the time until then pass at a speed, and waits until it has. */
    async forward(speed, until) {
      await t.pace(speed, until);
      await t.until(`the clock shows ${until}`, async () => Date.parse((await ask('GET', '/time')).now) >= Date.parse(until), PATIENCE.reading);
    },
    /** Lets time pass at a speed until something is so in the city, and at the pace of life from there. */
    async pass(speed, what, is, ms = PATIENCE.reading) {
      await t.pace(speed);
      const got = await t.until(what, is, ms);
      await t.pace(1);
      log(`    ${(await ask('GET', '/time')).now} in the city: ${what}`);
      return got;
    },
    /** That nothing which was done has been changed or taken away since: the program proves it, of more than a handful of deeds. */
    async ledgerHolds() {
      const said = await t.anlan('ledger', 'verify', '--data', data);
      assert.ok(Number(/: (\d+) entries verified, 0 of them erased/.exec(said)?.[1]) > 10, said);
      t.step('the ledger holds');
    },
    /** A replay in the background, in step with the drill; `done` is its end. */
    replay(...args) {
      const p = spawn('anlan', ['replay', ...args, '--follow', '--url', url, '--data', data], { stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      for (const s of [p.stdout, p.stderr]) s.on('data', (b) => (said += b));
      closing.push(() => p.exitCode === null && p.kill());
      const done = new Promise((yes, no) => p.on('exit', (code, signal) => (code === 0 || signal ? yes(said) : no(new Error(`replay: ${code}\n${said}`)))));
      done.catch(() => {}); // told when it is waited for
      return { done };
    },
    /** Asks until it is so; what is asked changes when the city does. */
    async until(what, ask, ms = PATIENCE.city) {
      const end = Date.now() + ms;
      for (;;) {
        const got = await ask();
        if (got) return got;
        assert.ok(Date.now() < end, `${what}: not within ${ms} ms`);
        await new Promise((r) => setTimeout(r, 250));
      }
    },
    /** Keeps a document for whoever checks its signature afterwards. */
    async keep(file, text) {
      if (!out) return '';
      await mkdir(out, { recursive: true });
      await writeFile(path.join(out, file), text);
      return path.join(out, file);
    },
    /** An organisation with a webhook: what it was sent, in order, each signature verified. */
    async receiver() {
      const got = [];
      let secret = '';
      const server = createServer((req, res) => {
        let body = '';
        req.on('data', (b) => (body += b));
        req.on('end', () => {
          const signed = `${req.headers['webhook-id']}.${req.headers['webhook-timestamp']}.${body}`;
          const want = `v1,${createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64')).update(signed).digest('base64')}`;
          const is = String(req.headers['webhook-signature'] ?? '');
          const valid = is.length === want.length && timingSafeEqual(Buffer.from(is), Buffer.from(want));
          if (valid && !got.some((m) => m.id === req.headers['webhook-id'])) got.push({ id: req.headers['webhook-id'], ...JSON.parse(body) });
          res.writeHead(valid ? 204 : 401).end();
        });
      });
      await new Promise((r) => server.listen(0, '127.0.0.1', r));
      closing.push(() => server.close());
      return {
        got,
        address: `http://127.0.0.1:${server.address().port}/warnings`,
        async register(administrator, recipient) {
          const made = await t.as(administrator, 'POST', '/warnings/recipients', { channel: 'webhook', address: this.address, ...recipient });
          secret = made.secret;
          return made;
        },
        next: (type, number) => t.until(`${type} of ${number} at the webhook`, () => got.find((m) => m.type === type && m.data.number === number), PATIENCE.step),
      };
    },
    /** The public's list, without JavaScript. */
    async publicPage(lang, to = '/warnings') {
      const context = await browser.newContext({ javaScriptEnabled: false, locale: lang, viewport: { width: 1280, height: 860 } });
      const page = await context.newPage();
      const res = await page.goto(`${url}${to}${to.includes('?') ? '&' : '?'}lang=${lang}`);
      assert.ok(res.ok(), `${to}: ${res.status()}`);
      return { page, text: await page.locator('body').innerText(), close: () => context.close() };
    },
    async feed() {
      return (await fetch(`${url}/warnings.atom`)).text();
    },
    async sign() {
      return (await fetch(`${url}/warnings/sign.json`)).json();
    },
    /** A published message: accepted by `anlan cap check`, and kept so that its signature is verified. */
    async document(number, version) {
      const res = await fetch(`${url}/warnings/${number}.${version}.xml`);
      assert.equal(res.status, 200, `${number}.${version}.xml`);
      const text = await res.text();
      const file = await t.keep(`${number}.${version}.xml`, text);
      if (file) assert.match(await t.anlan('cap', 'check', file), /: accept$/m, `anlan cap check ${file}`);
      return text;
    },
    async end() {
      for (const c of closing) c();
      for (const s of open) await s.context.close();
    },
    async failed() {
      for (const [i, s] of open.entries()) {
        if (shots) await s.page.screenshot({ path: path.join(shots, `tour-${name}-failed-${i}.png`) }).catch(() => {});
      }
    },
    foreign: () => open.flatMap((s) => s.foreign),
  };
  return t;
}

/** In the list of warnings, the part of one name. */
export const part = (page, name) => page.getByRole('region', { name });

/** New rows wait behind a button; press it when it is there. */
export async function shown(page, row, ms = PATIENCE.city) {
  const more = page.getByRole('button', { name: /^\d+ new, show/ });
  const end = Date.now() + ms;
  for (;;) {
    await row.or(more).first().waitFor({ timeout: Math.max(1, end - Date.now()) });
    if (await row.first().isVisible()) return row.first();
    await more.click({ timeout: 2_000 }).catch(() => {}); // it may just have gone
    await row.first().waitFor({ timeout: 1_000 }).catch(() => {});
  }
}

/** Opens what detectors suggest in the composer. */
export async function suggested(page, url, kind, headline, ms = PATIENCE.city) {
  await page.goto(`${url}/console/warnings`);
  const row = part(page, /^Suggested by detectors/).getByRole('listitem').filter({ has: page.locator('.tag', { hasText: kind }) }).filter({ hasText: headline });
  await (await shown(page, row, ms)).getByRole('link').first().click();
}

/** Proposes what the composer holds; returns the warning's number in its address. */
export async function propose(page, button = 'Propose the warning') {
  const answer = page.waitForResponse((r) => r.request().method() === 'POST' && /\/api\/v1\/warnings(\/\d+\/update)?$/.test(new URL(r.url()).pathname));
  const [res] = await Promise.all([answer, page.getByRole('button', { name: button, exact: true }).click()]);
  const body = await res.json();
  assert.ok(res.ok(), `proposed: ${res.status()} ${JSON.stringify(body)}`);
  return body;
}

/** The second officer reads the proposal and approves it. */
export async function approve(page, url, warning) {
  await page.goto(`${url}/console/warnings/${warning}`);
  const answer = page.waitForResponse((r) => r.request().method() === 'POST' && r.url().endsWith(`/warnings/${warning}/approve`));
  const [res] = await Promise.all([answer, page.getByRole('button', { name: 'Approve and issue' }).click()]);
  assert.ok(res.ok(), `approved: ${res.status()} ${await res.text()}`);
  await page.getByText('In force', { exact: true }).first().waitFor();
  return res.json();
}

/** The danger is over: the officer says so where the suggestion leads. */
export async function allClear(page, reason) {
  await page.getByText('End the warning', { exact: true }).click();
  await page.getByLabel('Reason', { exact: false }).fill(reason);
  const answer = page.waitForResponse((r) => r.request().method() === 'POST' && r.url().endsWith('/all-clear'));
  const [res] = await Promise.all([answer, page.getByRole('button', { name: 'The danger is over' }).click()]);
  assert.ok(res.ok(), `all-clear: ${res.status()} ${await res.text()}`);
  return res.json();
}

/** Opens the proposed response; returns its board. */
export async function openPlan(page, url, ask, heading, why, level) {
  await page.goto(`${url}/console/board`);
  const proposal = page.getByRole('article').filter({ has: page.getByRole('heading', { name: heading }) });
  await proposal.first().waitFor({ timeout: PATIENCE.city });
  await proposal.first().getByRole('button', { name: 'Open a response…', exact: true }).click();
  const form = proposal.first().getByRole('form');
  if (level) await form.getByRole('radio', { name: level }).check();
  await form.getByLabel('Why').fill(why);
  await form.getByRole('button', { name: /^Open Level/ }).click();
  await page.waitForURL(/\/board\/\d+$/);
  return ask('GET', `/responses/${/\d+$/.exec(page.url())[0]}`);
}

/** An agency takes each of its tasks on in its inbox with one click; returns them. */
export async function takeOn(page, url, board, organisation) {
  const tasks = board.agencies.flatMap((a) => a.tasks).filter((x) => x.organisation === organisation && x.state !== 'withdrawn');
  assert.ok(tasks.length > 0, `organisation ${organisation} has a task`);
  await page.goto(`${url}/console/inbox`);
  const asked = [];
  const listen = (r) => r.method() === 'POST' && asked.push(new URL(r.url()).pathname);
  page.on('request', listen);
  for (const task of tasks) {
    const item = page.locator('li.item').filter({ has: page.locator('.tag', { hasText: /^Task$/ }) }).filter({ has: page.locator(`a[href$="/cases/${board.case}"]`, { hasText: task.title.en }) });
    await shown(page, item);
    // A drill's tasks say so before their title.
    await item.getByRole('button', { name: /^Acknowledge: / }).click();
    await item.getByText(/^Acknowledged by /).waitFor();
  }
  page.off('request', listen);
  assert.deepEqual(asked, tasks.map((x) => `/api/v1/cases/${board.case}/tasks/${x.id}/acknowledge`), 'one click is one request');
  return tasks;
}

/** It reports them done on the case's page; `answer` says what came of each. */
export async function reportDone(page, url, board, tasks, answer) {
  await page.goto(`${url}/console/cases/${board.case}`);
  for (const task of tasks) {
    const item = page.getByRole('listitem').filter({ hasText: task.title.en }).filter({ has: page.getByRole('button', { name: 'Mark as done' }) });
    await item.getByRole('button', { name: 'Mark as done' }).click(); // only what it was given itself is offered to it
    const form = item.getByRole('form');
    await form.getByLabel('What came of it').fill(answer(task));
    await form.getByRole('button', { name: 'Confirm: done' }).click();
    await form.waitFor({ state: 'detached' });
  }
}

/** Both: takes its tasks on, and reports all of them done. */
export async function carryOut(page, url, board, organisation, answer) {
  const tasks = await takeOn(page, url, board, organisation);
  await reportDone(page, url, board, tasks, () => answer);
  return tasks.length;
}

/** Ends a response; what is open is no longer needed, and why stands beside each. */
export async function endPlan(page, url, board, why, reason) {
  await page.goto(`${url}/console/board/${board.id}`);
  await page.getByRole('button', { name: 'End the response…' }).click();
  const form = page.getByRole('form', { name: 'End the response…' });
  await form.getByLabel('Why?').fill(why);
  for (const field of await form.locator('input[type="text"]').all()) await field.fill(reason);
  await form.getByRole('button', { name: 'End the response', exact: true }).click();
  await page.getByText('ended', { exact: false }).first().waitFor();
}

/** The second officer closes a case on a reading back under its limit that was taken after the repair; returns how many were tried. */
export async function prove(page, url, ask, incident) {
  await page.goto(`${url}/console/cases/${incident.id}`);
  const main = page.getByRole('main');
  await main.getByRole('heading', { name: 'What can be done next' }).waitFor();
  const tried = await attachReadingUntilAllowed(main, 'Verify and close', PATIENCE);
  await move(page, main, 'Verify and close', {}, PATIENCE);
  await main.getByText('Verified and closed', { exact: true }).first().waitFor();
  assert.equal((await ask('GET', `/cases/${incident.id}`)).outcome, 'proven');
  return tried;
}

/** Starts a script: `main` gets the options; the last line says how it ended. */
export async function script(meta, name, tour) {
  if (!process.argv[1] || meta.url !== pathToFileURL(process.argv[1]).href) return;
  const url = (process.env.ANLAN_URL ?? '').replace(/\/+$/, '');
  const { ANLAN_TOKEN: token = '', ANLAN_DATA: data = '', ANLAN_SHOTS: shots = '', ANLAN_OUT: out = '' } = process.env;
  if (!url || !token) {
    console.error('ANLAN_URL and ANLAN_TOKEN must be set: the address of the server and what its local.token holds');
    process.exit(2);
  }
  const browser = await launch();
  const t = await begin(name.replace(/^tour-/, ''), { url, token, data, browser, shots, out });
  try {
    await tour(t);
    assert.deepEqual(t.foreign(), [], 'no request leaves the host');
    console.log(`${name}=ok seconds=${t.seconds().toFixed(1)}`);
  } catch (err) {
    await t.failed();
    console.error(`${name}=failed ${err.stack ?? err}`);
    process.exitCode = 1;
  } finally {
    await t.end();
    await browser.close();
  }
}

export { reader };
