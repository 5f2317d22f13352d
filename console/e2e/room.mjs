// Two agencies in one joint room, each in a browser of its own, against a real
// demo server: they see each other's entries, marks and decisions, give and take
// resources, and make a report of which a line leads back to its entry.
//
//   ANLAN_URL=http://127.0.0.1:8080 ANLAN_TOKEN=$(cat data/local.token) node e2e/room.mjs
//
// It prints a line per step; the exit code is 0 when everything held. axe looks
// at each page in both themes, at a desk's and at a phone's width. Pictures go to
// ANLAN_SHOTS, a folder, if that is set.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch } from '../test/browser.mjs';
import { signIn } from './journey.mjs';
import { city, invite, signInAs } from './people.mjs';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export async function room({ url, token, browser, log = console.log, shots = '' }) {
  const started = Date.now();
  let n = 0;
  const step = (text) => log(`step=${++n} t=${((Date.now() - started) / 1000).toFixed(1)}s ${text}`);
  const shoot = async (page, name) => shots && (await page.screenshot({ path: path.join(shots, `room-${name}.png`), fullPage: true }));
  const ask = city(url, token);

  // An asset with a holder, another organisation, and an account at each.
  const organisations = (await ask('GET', '/organisations')).items;
  const kinds = (await ask('GET', '/lessons/kinds')).items;
  const asset = (await ask('GET', `/assets?kind=${encodeURIComponent(kinds[0].id)}&limit=1`)).items[0];
  const holder = asset.organisation;
  const other = organisations.find((o) => o.id !== holder && o.kind !== 'city' && !o.parent) ?? organisations.find((o) => o.id !== holder);
  const stamp = String(Date.now());
  const one = await invite(browser, url, ask, { name: 'holder-post-' + stamp, organisation: holder, roles: ['operator'] });
  const two = await invite(browser, url, ask, { name: 'fire-post-' + stamp, organisation: other.id, roles: ['duty-officer'] });

  const trouble = [];
  const enter = async (name, signed) => {
    const { context, page } = await signed;
    page.on('pageerror', (e) => trouble.push(`${name}: ${e.message}`));
    page.on('console', (m) => m.type() === 'error' && /Content Security Policy|Refused to/.test(m.text()) && trouble.push(`${name}: ${m.text()}`));
    return { context, page };
  };
  const asDuty = (how) => enter('duty', signIn(browser, url, /demo duty officer|演示值班员/, undefined, how));

  // The city's duty officer opens a case for a finding and calls the other agency in.
  const watch = await asDuty();
  const opened = await watch.page.evaluate(async ([asset]) => {
    const res = await fetch('/api/v1/findings', { method: 'POST', headers: { 'Content-Type': 'application/json', 'Idempotency-Key': String(Math.random()) }, body: JSON.stringify({ asset, description: 'Smell of gas at the riser', grade: 'major' }) });
    return await res.json();
  }, [asset.id]);
  const id = opened.case.id;
  await watch.page.goto(`${url}/console/cases/${id}`);
  await watch.page.getByRole('link', { name: 'Open the joint room' }).click();
  await watch.page.getByRole('heading', { name: /^Joint room:/ }).waitFor();
  await watch.page.getByText('Call an agency in').click();
  await watch.page.getByLabel('Organisation').selectOption(String(other.id));
  await watch.page.getByRole('button', { name: 'Call in', exact: true }).click();
  await watch.page.locator('.entries').getByText(/Called in:/).waitFor();
  step(`case ${id}: the duty officer called in organisation ${other.id} beside the holder ${holder}`);

  const a = await enter(one, signInAs(browser, url, one));
  const b = await enter(two, signInAs(browser, url, two));
  for (const [who, post] of [[a, 'network control'], [b, 'incident commander']]) {
    await who.page.goto(`${url}/console/rooms/${id}`);
    await who.page.locator('#room-post').fill(post);
    await who.page.getByRole('button', { name: 'Join', exact: true }).click();
    await who.page.getByRole('button', { name: 'Leave', exact: true }).waitFor();
  }
  step('both agencies joined at a post');

  // What one writes waits at the other's desk, and does not move the list.
  await settle(b.page);
  const before = await b.page.locator('.entries li').first().innerText();
  await a.page.getByLabel('What happened, what was done').fill('Riser valve closed, pressure falling.');
  await a.page.getByLabel('Topic').selectOption('situation');
  await a.page.getByLabel('Significant').check();
  await a.page.getByRole('button', { name: 'Add', exact: true }).click();
  await a.page.locator('.entries').getByText('Riser valve closed, pressure falling.').waitFor();
  const waiting = b.page.getByRole('button', { name: /^\d+ new, show/ });
  await waiting.waitFor();
  assert.equal(await b.page.locator('.entries li').first().innerText(), before, 'the list moved under the hand');
  await waiting.click();
  const line = b.page.locator('.entries li', { hasText: 'Riser valve closed, pressure falling.' });
  await line.waitFor();
  assert.match(await line.innerText(), /New/, 'what is new to the reader is marked');
  const entry = /#(\d+)/.exec(await line.innerText())[1];
  step(`the other agency sees entry #${entry} when it asks for it, marked as new`);

  // A mark by coordinates and arrows alone: the keyboard is enough.
  await b.page.getByRole('button', { name: 'Place a mark' }).press('Enter');
  await b.page.getByLabel('Label').fill('200 m cordon');
  const [lon, lat] = asset.point;
  await b.page.getByLabel('Where', { exact: true }).fill([[0.002, 0], [-0.001, 0.002], [-0.001, -0.002]].map(([y, x]) => `${(lat + y).toFixed(5)}, ${(lon + x).toFixed(5)}`).join('\n'));
  await b.page.getByRole('button', { name: 'North', exact: true }).press('Enter');
  await b.page.getByRole('button', { name: 'Place', exact: true }).press('Enter');
  await b.page.locator('.entries').getByText(/Mark placed by/).waitFor();
  await a.page.locator('section', { has: a.page.getByRole('heading', { name: 'Marks on the map' }) }).getByText('200 m cordon').waitFor();
  step('a cordon stands on both maps');

  // A decision on facts, then one in its place.
  const decide = async (what, why, facts) => {
    const form = b.page.getByRole('form', { name: 'Write down a decision' });
    await form.getByLabel('What is decided').fill(what);
    await form.getByLabel('Why', { exact: true }).fill(why);
    await form.getByLabel(/^On what facts/).fill(facts);
    await form.getByRole('button', { name: 'Decide', exact: true }).click();
    await form.waitFor({ state: 'detached' });
  };
  await b.page.getByRole('button', { name: 'Write down a decision' }).click();
  await decide('Evacuate the stairwell', 'Gas smell on two floors', `#${entry}`);
  await b.page.getByRole('button', { name: 'Supersede' }).click();
  await decide('Evacuate the whole house', 'Readings are rising', `#${entry}`);
  const decisions = a.page.locator('section', { has: a.page.getByRole('heading', { name: 'Decisions', exact: true }) });
  await decisions.getByText('Evacuate the whole house').first().waitFor();
  await decisions.getByText('1 superseded decision').waitFor();
  step('a decision stands with its fact, the one before is superseded');

  // Asked by one, committed by the other, arrived, released.
  await b.page.getByText('Ask for resources').first().click();
  const request = b.page.getByRole('form', { name: 'Ask for resources' });
  await request.getByLabel('What is needed').fill('gas detectors');
  await request.getByLabel('How much').fill('4');
  await request.getByRole('button', { name: 'Ask', exact: true }).click();
  const mine = a.page.locator('section', { has: a.page.getByRole('heading', { name: 'Resources', exact: true }) });
  await mine.getByText('gas detectors').first().waitFor();
  await mine.getByRole('button', { name: 'Answer' }).click();
  await mine.getByLabel('How much we give').fill('3');
  await mine.getByRole('button', { name: 'Commit', exact: true }).click();
  await mine.getByText('committed 3').waitFor();
  const theirs = b.page.locator('section', { has: b.page.getByRole('heading', { name: 'Resources', exact: true }) });
  await theirs.getByRole('button', { name: 'Has arrived' }).click();
  await theirs.getByText('arrived 3').waitFor();
  await mine.getByRole('button', { name: 'Release' }).click();
  await theirs.getByText('released 3').waitFor();
  await theirs.getByText('1 missing').waitFor();
  step('resources: asked 4, committed 3, arrived 3, released 3, 1 missing');

  // A report in Chinese, of which a line leads back to its entry; signed.
  await b.page.getByRole('button', { name: 'Make the report' }).click();
  const reports = b.page.locator('section', { has: b.page.getByRole('heading', { name: 'Reports and review' }) });
  await reports.getByRole('link', { name: 'Special report on an emergency' }).waitFor();
  await reports.getByRole('button', { name: 'Add a remark or sign' }).click();
  await reports.getByRole('button', { name: 'Sign', exact: true }).click();
  await reports.getByText('Signed', { exact: true }).waitFor();
  const href = await reports.getByRole('link', { name: 'Special report on an emergency' }).getAttribute('href');
  const paper = await b.context.newPage();
  await paper.goto(url + href.replace('lang=en', 'lang=zh-CN'));
  for (const heading of ['基本情况', '处置经过', '目前态势', '下一步措施']) await paper.getByRole('heading', { name: new RegExp(heading) }).waitFor();
  assert.match(await paper.innerText('body'), /第1期[\s\S]*SHA-256[\s\S]*正文与该值一致/);
  await axe(paper, 'report');
  await shoot(paper, 'report-zh');
  await paper.getByRole('listitem').filter({ hasText: 'Riser valve closed' }).first().getByRole('link', { name: `#${entry}` }).click();
  await paper.locator(`#entry-${entry}.wanted`).waitFor();
  step(`the printed report leads back to entry #${entry}`);

  // One lesson, all alike.
  await watch.page.goto(`${url}/console/lessons/new?case=${id}`);
  await watch.page.getByLabel('What to look for').fill('Look at the riser for corrosion');
  await watch.page.getByLabel('What happened, and why').fill('The riser had corroded through');
  await watch.page.getByLabel('Kind of asset').selectOption(kinds[0].id);
  await watch.page.getByRole('button', { name: /3 d\b/ }).click();
  await watch.page.getByLabel('Your post').fill('safety office');
  await watch.page.getByRole('button', { name: 'Count them', exact: true }).click();
  await watch.page.locator('.preview').getByText(/^[\d,]+ assets?; tasks: [\d,]+$/).waitFor();
  await shoot(watch.page, 'lesson-new');
  await axe(watch.page, 'lesson-new');
  await watch.page.getByRole('button', { name: 'Send it out' }).click();
  await watch.page.getByRole('heading', { name: 'Look at the riser for corrosion' }).waitFor();
  const lesson = /lessons\/(\d+)/.exec(watch.page.url())[1];
  await watch.page.locator('.targets').getByRole('button', { name: 'Sound', exact: true }).first().click();
  await watch.page.locator('.targets .tag', { hasText: 'Sound' }).first().waitFor();
  step(`lesson ${lesson} is out, and one asset answered for`);

  // Every page in both themes and at both widths, in both languages.
  for (const [lang, theme, width] of [['zh-CN', 'light', 1440], ['en', 'dark', 1440], ['zh-CN', 'dark', 390], ['en', 'light', 390]]) {
    const s = await asDuty({ lang, theme, width, height: width === 390 ? 844 : 900 });
    const pages = [['room', `rooms/${id}`], ['lesson', `lessons/${lesson}`], ['lesson-new', `lessons/new?case=${id}`]];
    // The small pages once in each theme and width; the room in all.
    for (const [name, to] of pages.slice(0, lang === 'zh-CN' ? 3 : 1)) {
      await s.page.goto(`${url}/console/${to}`);
      await s.page.locator('main h1').waitFor();
      await s.page.locator('.targets li, .entries li, [name="per"]').first().waitFor();
      await shoot(s.page, `${name}-${lang}-${theme}-${width}`);
      await axe(s.page, `${name} ${lang} ${theme} ${width}`);
      const [wide, there] = await s.page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      assert.ok(wide <= there, `${name} at ${width} px is ${wide} px wide`);
    }
    await s.context.close();
  }
  step('axe finds nothing in three pages, two themes, two widths, two languages');
  for (const s of [watch, a, b]) await s.context.close();
  assert.deepEqual(trouble, []);
  return { id };
}

async function settle(page) {
  const more = page.getByRole('button', { name: /^\d+ new, show/ });
  while (await more.isVisible()) await more.click();
  const read = page.getByRole('button', { name: 'Mark as read' });
  if (await read.isVisible()) await read.click();
}

async function axe(page, what) {
  await page.evaluate(axeSource);
  await page.evaluate(() => scrollTo(0, 0)); // what the bar covers is reached by scrolling
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map((x) => x.html).slice(0, 3).join(' | ')}`), [], what);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const url = (process.env.ANLAN_URL ?? '').replace(/\/+$/, '');
  const token = process.env.ANLAN_TOKEN ?? '';
  if (!url || !token) {
    console.error('ANLAN_URL and ANLAN_TOKEN must be set: the address of a demo server and what its data/local.token holds');
    process.exit(2);
  }
  const browser = await launch();
  try {
    const { id } = await room({ url, token, browser, shots: process.env.ANLAN_SHOTS ?? '' });
    console.log(`room=ok case=${id}`);
  } finally {
    await browser.close();
  }
}
