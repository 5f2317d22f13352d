// A storm in four agencies' hands: each has its inbox open on a phone while the
// officer opens the response, takes every task on with one click, and the board
// shows it. Then the reports are made in the joint room, and every line of them
// is followed to the entry of the timeline that it rests on.
//
//   ANLAN_URL=http://127.0.0.1:8080 ANLAN_TOKEN=$(cat data/local.token) node e2e/storm.mjs
//
// The server must be a demo of the storm. It prints a line per step, and how
// long each report took, from the click to the server's answer and to its place
// in the list; the exit code
// is 0 when everything held. Pictures go to ANLAN_SHOTS, a folder, if that is set.

import assert from 'node:assert/strict';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch } from '../test/browser.mjs';
import { signIn } from './journey.mjs';
import { city } from './people.mjs';

/** In ms. It has to rain for half an hour of the city's time first. */
const PATIENCE = { proposal: 300_000, step: 60_000 };

const SAID = 'All sumps are drawn down but one, crews are out.';

const FORMS = [
  { id: 'ics-209' },
  { id: 'ics-201' },
  { id: 'zhuanbao' },
];

export async function storm({ url, token, browser, log = console.log, shots = '' }) {
  const started = Date.now();
  let n = 0;
  const step = (text) => log(`step=${++n} t=${((Date.now() - started) / 1000).toFixed(1)}s ${text}`);
  const shoot = async (page, name) => shots && (await page.screenshot({ path: path.join(shots, `storm-${name}.png`), fullPage: true }));
  const ask = city(url, token);
  const open = [];
  const enter = async (button, how = {}) => {
    const s = await signIn(browser, url, button, PATIENCE, how);
    s.page.setDefaultTimeout(PATIENCE.step);
    open.push(s);
    return s.page;
  };

  try {
    const officer = await enter('Continue as demo duty officer');
    const offer = (await ask('GET', '/session/demo')).posts;
    const known = (await ask('GET', '/organisations')).items;
    const agencies = [];
    for (const post of offer) {
      const page = await enter(post.title.en, { width: 390, height: 844 });
      await page.goto(`${url}/console/inbox`);
      await page.getByRole('heading', { level: 1, name: 'Inbox' }).waitFor();
      agencies.push({ as: post.as, name: post.title.en, id: known.find((o) => o.name.en === post.title.en).id, page });
    }
    assert.ok(agencies.length >= 4, `four agencies, got ${agencies.map((a) => a.as)}`);
    step(`${agencies.map((a) => a.as).join(', ')} have their inboxes open on a phone`);

    // The program proposes; a person opens.
    await officer.goto(`${url}/console/board`);
    const proposal = officer.getByRole('article').filter({ has: officer.getByRole('heading', { name: /^Proposed: open Level I[IV]* response.*Flood/ }) });
    await proposal.waitFor({ timeout: PATIENCE.proposal });
    await proposal.getByRole('button', { name: 'Open a response…', exact: true }).click();
    const form = proposal.getByRole('form');
    // It proposes level IV first; the officer sees what is coming, and takes the next.
    await form.getByRole('radio', { name: /^Level III response/ }).check();
    await form.getByLabel('Why').fill('Underpasses stand under water, and it goes on raining.');
    await form.getByRole('button', { name: /^Open Level III/ }).click();
    await officer.waitForURL(/\/board\/\d+$/);
    const board = await ask('GET', `/responses/${/\d+$/.exec(officer.url())[0]}`);
    step(`response ${board.id} opened on case ${board.case}, ${board.agencies.flatMap((a) => a.tasks).length} tasks`);

    // One click each, on the phone.
    let clicks = 0;
    for (const agency of agencies) {
      agency.tasks = board.agencies.flatMap((a) => a.tasks.map((x) => ({ ...x, card: a.agency }))).filter((x) => x.organisation === agency.id);
      assert.ok(agency.tasks.length > 0, `${agency.as} has a task`);
      clicks += await takeAll(agency, board.case);
      const [wide, there] = await agency.page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      assert.ok(wide <= there, `the inbox at 390 px is ${wide} px wide`);
      await shoot(agency.page, `inbox-${agency.as}`);
      step(`${agency.as}: ${agency.tasks.length} tasks, one click each`);
    }
    const all = agencies.flatMap((a) => a.tasks);
    assert.equal(clicks, all.length, 'as many clicks as tasks');

    // The board has followed by itself.
    for (const agency of agencies) {
      for (const task of agency.tasks) {
        const card = officer.locator('section.card', { has: officer.locator(`#agency-${task.card}`) });
        let line = card.locator('ol > li').filter({ hasText: task.title.en });
        if ((await card.locator('header > .sub').innerText()).includes(',')) line = line.filter({ hasText: agency.name });
        await line.locator('.tag', { hasText: 'acknowledged' }).waitFor();
      }
    }
    await shoot(officer, 'board');
    step(`the board shows all ${all.length} tasks of the four as acknowledged`);

    // What one writes in the joint room stands in the reports.
    const [writer] = agencies;
    await writer.page.goto(`${url}/console/rooms/${board.case}`);
    await writer.page.locator('#room-post').fill(`${writer.as}-duty`);
    await writer.page.getByRole('button', { name: 'Join', exact: true }).click();
    await writer.page.getByRole('button', { name: 'Leave', exact: true }).waitFor();
    await writer.page.getByLabel('What happened, what was done').fill(SAID);
    await writer.page.getByRole('button', { name: 'Add', exact: true }).click();
    await writer.page.locator('.entries').getByText(SAID).waitFor();
    step(`${writer.as} has joined the room and written what it knows`);
    for (const agency of agencies) await agency.page.close();

    await officer.goto(`${url}/console/rooms/${board.case}`);
    const reports = officer.locator('section', { has: officer.getByRole('heading', { name: 'Reports and review' }) });
    const make = reports.getByRole('form', { name: 'Make the report' });
    await make.getByLabel('Your post').fill('flood-duty');
    const papers = [];
    for (const f of [...FORMS, ...agencies.map((a) => ({ id: 'ics-214', of: a }))]) {
      await make.getByLabel('Form', { exact: true }).selectOption(f.id);
      if (f.of) await make.getByLabel('Of which agency').selectOption(String(f.of.id));
      const links = reports.locator('ul.list').first().locator('a[href*="/reports/"]');
      const before = await links.count();
      const answer = officer.waitForResponse((r) => r.request().method() === 'POST' && r.url().endsWith('/reports'));
      const begun = performance.now();
      await make.getByRole('button', { name: 'Make the report' }).click();
      await (await answer).finished();
      const made = performance.now() - begun;
      await links.nth(before).waitFor();
      const took = performance.now() - begun;
      papers.push({ ...f, href: await links.first().getAttribute('href') });
      log(`report=${f.id}${f.of ? ` of=${f.of.as}` : ''} made_ms=${made.toFixed(0)} shown_ms=${took.toFixed(0)}`);
    }
    step(`${papers.length} reports made`);

    step(`${await walk(officer, url, papers, log)} links, and each line led to its entries`);
    await shoot(officer, 'room');
    assert.deepEqual(open.flatMap((s) => s.foreign), [], 'no request leaves the host');
    return { response: board.id, clicks, reports: papers.length, seconds: (Date.now() - started) / 1000 };
  } catch (err) {
    for (const [i, s] of open.entries()) await shoot(s.page, `failed-${i}`);
    throw err;
  } finally {
    for (const s of open) await s.context.close();
  }
}

/** Takes on each task of an agency in its inbox; returns how many clicks that took, and looks that each was one request. */
async function takeAll({ page, tasks }, caseId) {
  const asked = [];
  const listen = (r) => r.method() === 'POST' && asked.push(new URL(r.url()).pathname);
  page.on('request', listen);
  let clicks = 0;
  for (const task of tasks) {
    const item = page.locator('li.item').filter({ has: page.locator('.tag', { hasText: /^Task$/ }) }).filter({ has: page.locator(`a[href$="/cases/${caseId}"]`, { hasText: task.title.en }) });
    await shown(page, item);
    await item.getByRole('button', { name: `Acknowledge: ${task.title.en}` }).click(); // the name goes on with what is to be answered
    clicks++;
    await item.getByText(/^Acknowledged by /).waitFor();
  }
  page.off('request', listen);
  assert.deepEqual(asked, tasks.map((x) => `/api/v1/cases/${caseId}/tasks/${x.id}/acknowledge`), 'one click is one request, and for this task');
  return clicks;
}

/** New items wait to be asked for, so that nothing moves under the thumb. */
async function shown(page, item) {
  const more = page.getByRole('button', { name: /^\d+ new, show/ });
  await item.or(more).first().waitFor();
  while (!(await item.isVisible())) {
    await more.click();
    await item.or(more).first().waitFor();
  }
}

/** Follows every line of the papers to the entries of the room's timeline that it rests on. */
async function walk(room, url, papers, log) {
  // Everything that the timeline has, as the room shows it.
  const earlier = room.getByRole('button', { name: 'Earlier entries' });
  const rows = room.locator('.entries > li');
  await settle(room);
  while (await earlier.isVisible()) {
    const had = await rows.count();
    await earlier.click();
    await rows.nth(had).waitFor();
  }
  const entries = new Map(
    await rows.evaluateAll((all) => all.map((li) => [li.querySelector('.id a').getAttribute('href'), li.querySelectorAll('p')[1].innerText.replace(/\s+/g, ' ').trim()])),
  );
  const paper = await room.context().newPage();
  paper.setDefaultTimeout(PATIENCE.step);
  let followed = 0;
  let clicked = false;
  for (const p of papers) {
    await paper.goto(url + p.href);
    await paper.locator('footer').waitFor();
    const lines = await paper.locator('main section ol > li').evaluateAll((all) =>
      all.map((li) => {
        const refs = [...li.querySelectorAll('.refs a')].map((a) => a.getAttribute('href'));
        const words = li.cloneNode(true);
        for (const x of words.querySelectorAll('.refs, time, .where')) x.remove();
        return { text: words.textContent.replace(/\s+/g, ' ').trim(), refs };
      }),
    );
    assert.ok(lines.length > 0, `${p.id} has lines`);
    for (const l of lines) {
      assert.ok(l.refs.length > 0, `${p.id}: a line that rests on nothing: ${l.text}`);
      for (const r of l.refs) assert.ok(entries.has(r), `${p.id}: ${r} is no entry of the room: ${l.text}`);
      if (l.refs.length === 1) assert.ok(says(entries.get(l.refs[0]), l.text), `${p.id}: ${JSON.stringify(l.text)} is not what its entry says: ${JSON.stringify(entries.get(l.refs[0]))}`);
      followed += l.refs.length;
    }
    log(`report=${p.id}${p.of ? ` of=${p.of.as}` : ''} lines=${lines.length} links=${lines.flatMap((l) => l.refs).length}`);
    // And by hand, from what the agency said.
    if (!clicked && p.of) {
      const link = paper.getByRole('listitem').filter({ hasText: SAID }).first().getByRole('link').first();
      const id = /entry=(\d+)/.exec(await link.getAttribute('href'))[1];
      await link.click();
      await paper.locator(`#entry-${id}.wanted`, { hasText: SAID }).waitFor();
      clicked = true;
    }
  }
  assert.ok(clicked);
  await paper.close();
  return followed;
}

/**
 * Whether a line that rests on one entry says what that entry says. A count has no words of it; who is there stands without the
 * word for joining, and a task without that for giving it out.
 */
const says = (entry, line) => /^\d+ (lines|entries|decisions|readings|alerts)\b/.test(line) || line.includes(entry.replace(/^(Joined the room|Task given): /, '')) || entry.includes(line);

async function settle(page) {
  const more = page.getByRole('button', { name: /^\d+ new, show/ });
  while (await more.isVisible()) await more.click();
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const url = (process.env.ANLAN_URL ?? '').replace(/\/+$/, '');
  const token = process.env.ANLAN_TOKEN ?? '';
  if (!url || !token) {
    console.error('ANLAN_URL and ANLAN_TOKEN must be set: the address of a demo of the storm and what its data/local.token holds');
    process.exit(2);
  }
  const browser = await launch();
  try {
    const r = await storm({ url, token, browser, shots: process.env.ANLAN_SHOTS ?? '' });
    console.log(`storm=ok response=${r.response} clicks=${r.clicks} reports=${r.reports} seconds=${r.seconds.toFixed(1)}`);
  } catch (err) {
    console.error(`storm=failed ${err.stack ?? err}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
