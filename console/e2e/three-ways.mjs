// Three ways into the house, each walked to its proven end in one story: a call
// by telephone that becomes an incident, an alert, and an inspector's finding.
// Between them the shift changes. Every deed of a person is done on the pages,
// by clicking and typing; the API is read only to know the way.
//
//   ANLAN_URL=http://127.0.0.1:8080 ANLAN_TOKEN=$(cat data/local.token) node e2e/three-ways.mjs
//
// The server must be a demo, and the token its data folder's: an inspector and
// the gas company have no account there, so the token makes them one each. It
// prints a line per step; the exit code is 0 when all three are proven.
// Pictures go to ANLAN_SHOTS, a folder, if that is set.

import assert from 'node:assert/strict';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch } from '../test/browser.mjs';
import { attachReadingUntilAllowed, move, signIn, waitForRow } from './journey.mjs';
import { attachFile, city, history, invite, kept, signInAs, takeTask } from './people.mjs';

/** In ms. A leak has to happen first, and later to thin out; everything else is a page's answer. */
const PATIENCE = { alert: 120_000, reading: 300_000, step: 60_000 };

const CALL = { where: 'Fish market, north gate', what: 'Power line down across the road, sparks', harm: 'two stalls burnt, nobody hurt' };
const HAZARD = 'Alarm hangs behind a shelf, its valve cannot be reached';

export async function threeWays({ url, token, browser, log = console.log, shots = '' }) {
  const started = Date.now();
  let n = 0;
  const step = async (text, page) => {
    n++;
    log(`step=${n} t=${((Date.now() - started) / 1000).toFixed(1)}s ${text}`);
    if (shots && page) await page.screenshot({ path: path.join(shots, `three-ways-${String(n).padStart(2, '0')}.png`), fullPage: true });
  };
  const ask = city(url, token);
  const organisation = async (key) => (await ask('GET', '/organisations')).items.find((o) => o.external_id === key);
  const open = [];
  const enter = async (how) => {
    const s = await how;
    s.page.setDefaultTimeout(PATIENCE.step);
    open.push(s);
    return s.page;
  };

  try {
    const duty = await enter(signIn(browser, url, 'Continue as demo duty officer', PATIENCE));
    const gas = await organisation('org-gas');
    const crewName = await invite(browser, url, ask, { name: 'gas-control', organisation: gas.id, roles: ['operator'] });
    const inspectorName = await invite(browser, url, ask, { name: 'city-inspector', organisation: 0, city_wide: true, roles: ['inspector'] });
    const crew = await enter(signInAs(browser, url, crewName));
    const inspector = await enter(signInAs(browser, url, inspectorName));
    await step('the duty officer, the gas company and an inspector are signed in', duty);

    // ---- An alert comes first: its case has to be accepted within minutes, and the page with the list is open.
    const row = duty.locator('.rows a').filter({ hasText: /\bCase \d+\b/ }).filter({ hasText: /\bNew\b/ }).first();
    await waitForRow(duty, row, PATIENCE.alert);
    await row.click();
    const drawer = duty.getByRole('complementary');
    await drawer.getByLabel('Note').fill('Gas company told, street closed.');
    await drawer.getByRole('button', { name: 'Acknowledge', exact: true }).click();
    await drawer.getByText('Acknowledged', { exact: true }).first().waitFor();
    const leak = await follow(drawer.getByRole('link', { name: /^Open case \d+$/ }));
    await drawer.getByRole('heading', { name: 'What can be done next' }).waitFor();
    await move(duty, drawer, 'Accept', {}, PATIENCE);
    await step(`alert: case ${leak} accepted`, duty);

    const crewCase = await goTo(crew, url, leak);
    await takeTask(crewCase, 'Send the repair crew', 'Two vans on their way, street cordoned off.');
    await move(crew, crewCase, 'Crew has arrived', {}, PATIENCE);
    await move(crew, crewCase, 'Propose a false alarm', { 'Why it is false': 'Nothing smelt at the kerb.' }, PATIENCE);
    await step(`alert: the gas company took its task on with one click, is on site, doubts case ${leak}`, crew);

    // ---- A call, in five fields.
    await duty.goto(`${url}/console/duty`);
    const call = duty.getByRole('form', { name: 'A call has come in' });
    await call.getByLabel('A resident').check(); // who; when is left at now
    await call.getByLabel('Where', { exact: true }).pressSequentially(CALL.where);
    await call.getByLabel('What has happened').pressSequentially(CALL.what);
    await call.getByLabel('Casualties and harm').pressSequentially(CALL.harm);
    await call.getByRole('button', { name: 'Log it and open the incident' }).click();
    const logged = duty.getByText(/Logged; case \d+ is open/).first();
    await logged.waitFor();
    const incident = Number(/case (\d+) is open/.exec(await logged.innerText())[1]);
    const incidentCase = await goTo(duty, url, incident);
    await move(duty, incidentCase, 'Verified', { 'Place, time, what happened, who is in danger': 'Line lies across the road, seen by the patrol.' }, PATIENCE);
    await move(duty, incidentCase, 'Propose that it is no incident', { Why: 'The patrol thinks that it is a banner.' }, PATIENCE);
    await step(`call: incident ${incident} logged, verified, doubted`, duty);

    // ---- A finding.
    await inspector.goto(`${url}/console/findings/new`);
    const form = inspector.getByRole('form', { name: 'New finding' });
    await form.getByLabel('Asset', { exact: true }).pressSequentially('kitchen gas alarm');
    await form.getByRole('list', { name: 'Assets found' }).getByRole('button').first().click();
    await form.getByLabel('What is wrong?').fill(HAZARD);
    await form.getByLabel('General', { exact: false }).first().check();
    await form.getByRole('button', { name: 'Open the case' }).click();
    await inspector.waitForURL(/case(%3A|:)\d+/);
    const hazard = Number(/case(?:%3A|:)(\d+)/.exec(inspector.url())[1]);
    const dutyHazard = await goTo(duty, url, hazard);
    await move(duty, dutyHazard, 'Propose that it is no hazard', { Why: 'The landlord says that it was moved last week.' }, PATIENCE);
    await step(`finding: case ${hazard} opened by the inspector, doubted by the watch`, duty);

    // ---- The shift changes: both officers have all three before their eyes.
    const three = [leak, incident, hazard];
    await duty.goto(`${url}/console/duty`);
    await duty.getByRole('button', { name: 'Begin to hand over' }).click();
    await duty.getByRole('heading', { level: 1, name: 'Handover' }).waitFor();
    await allListed(duty, three);
    const again = await sign(duty, 'Sign: I hand over', 'The leaving officer has signed. Another person takes over.');
    assert.equal(await duty.getByRole('button', { name: 'Sign: I take over' }).count(), 0, 'nobody takes over from himself');
    await step(`handed over${again ? `, after ${again} refusals for what was new` : ''}`, duty);
    const second = await enter(signIn(browser, url, 'Continue as second officer', PATIENCE));
    await second.goto(`${url}/console/duty`);
    await second.getByRole('link', { name: 'Go on' }).click();
    await allListed(second, three);
    await sign(second, 'Sign: I take over', 'Handed over and taken over. What was signed cannot be changed.');
    await step('taken over; the three open cases stand in what was signed', second);

    // ---- The leak: it was none of the false ones.
    const leakCase = await goTo(second, url, leak);
    await move(second, leakCase, 'It is not false', { Why: 'The probe below the street still reads above the limit.' }, PATIENCE);
    await move(crew, crewCase, 'Report made safe', { Cause: { choose: 1 }, 'What was done': 'Main closed, flange repaired.' }, PATIENCE);
    await step(`alert: case ${leak} taken up again and reported made safe`, crew);

    // ---- The incident: verified anew, graded, led by the power company.
    const power = await enter(signIn(browser, url, 'Langang Power Supply Company', PATIENCE));
    const led = await goTo(second, url, incident);
    await move(second, led, 'It is one', { Why: 'A second caller has seen the sparks.' }, PATIENCE);
    await move(second, led, 'Verified', { 'Place, time, what happened, who is in danger': 'Line is live and lies across the road; stalls cleared.' }, PATIENCE);
    await move(second, led, 'Grade', { Grade: { label: 'General' }, 'What kind of hazard': { label: 'Another' }, 'On what ground': 'One road closed, nobody hurt.' }, PATIENCE);
    await move(second, led, 'Open the response', { 'Which unit leads': { label: 'Langang Power Supply Company' }, 'Level of response': { label: 'Level IV' } }, PATIENCE);
    await step(`call: incident ${incident} graded, the power company leads`, second);
    const powerCase = await goTo(power, url, incident);
    await takeTask(powerCase, 'Go to the site', 'Line crew 2 leads on site; nothing more is needed.');
    await move(power, powerCase, 'Report controlled', { 'What was done': 'Feeder switched off, line lifted.', 'Harm so far': 'Two stalls.' }, PATIENCE);
    await move(second, led, 'End the response', { 'How it is known that the danger is gone': 'The feeder is earthed at both ends.' }, PATIENCE);
    await attachFile(led, await document(second), 'Signed report of the inquiry');
    await move(second, led, 'Aftermath done', { 'Causes and lessons': 'The clamp had corroded; all of its age are looked at.' }, PATIENCE);
    await step(`call: incident ${incident} controlled by one, ended by another on a signed form`, second);

    // ---- The hazard: two elements of time, one asked for and granted by another.
    const found = await goTo(inspector, url, hazard);
    await move(inspector, found, 'It is a hazard', { Why: 'It hangs there today.' }, PATIENCE);
    await move(inspector, found, 'Grade', { Grade: { label: 'General hazard' }, 'On what ground': 'The alarm works, its valve is out of reach.' }, PATIENCE);
    const hazardCase = await goTo(second, url, hazard);
    const now = new Date((await ask('GET', `/cases/${hazard}`)).since);
    await move(second, hazardCase, 'Fix the five elements', {
      'Responsible unit or post': 'Gas company, customer service',
      Measures: 'Move the alarm, fit a new valve',
      'Funds and their source': '800 yuan, service fund',
      'To be done by': later(now, 60),
      'Contingency plan until then': 'The kitchen closes its main tap at night',
    }, PATIENCE);
    await move(second, hazardCase, 'Ask for more time', { 'Until when': later(now, 70), "Why it can't be done in time": 'The valve has to be ordered.' }, PATIENCE);
    const decision = found.getByRole('form', { name: 'Decide: Ask for more time' });
    await decision.getByRole('button', { name: 'Grant', exact: true }).click();
    await decision.waitFor({ state: 'detached' });
    await step(`finding: case ${hazard} graded, planned, more time granted by another`, inspector);
    const mended = await goTo(crew, url, hazard);
    await attachFile(mended, await photo(crew), 'Valve after the work');
    await move(crew, mended, 'Report done', { 'What was done': 'Alarm moved to the wall, valve within reach.' }, PATIENCE);
    await attachFile(hazardCase, await photo(second), 'Valve at the re-inspection');
    await move(second, hazardCase, 'Re-inspected and written off', { 'Finding of the re-inspection': 'The valve closes by hand.' }, PATIENCE);
    await step(`finding: case ${hazard} mended by the gas company, written off by the watch`, second);

    // ---- The leak again: the gas has had its time to thin out.
    await goTo(second, url, leak);
    const tried = await attachReadingUntilAllowed(leakCase, 'Verify and close', PATIENCE);
    await move(second, leakCase, 'Verify and close', {}, PATIENCE);
    await step(`alert: case ${leak} closed on a reading under the limit (${tried} attached)`, second);

    // ---- What each page says of its case in the end, to the officer who went home too.
    const [a, b, operator] = ['Demo duty officer', 'Second demo officer', 'demo-power'];
    const want = new Map([
      [leak, {
        state: 'Verified and closed',
        said: ['The probe below the street still reads above the limit.', 'Main closed, flange repaired.'],
        deeds: [
          [a, 'move', 'Accept'],
          [crewName, 'task', /^Task acknowledged: Send the repair crew/],
          [crewName, 'task', /^Task done: Send the repair crew.*street cordoned off/],
          [crewName, 'move', 'Crew has arrived'],
          [crewName, 'move', 'Propose a false alarm'],
          [b, 'move', 'It is not false'],
          [crewName, 'move', 'Report made safe'],
          ...Array(tried).fill([b, 'evidence', /^Reading attached: /]),
          [b, 'move', 'Verify and close'],
        ],
        stages: ['Waiting to be accepted', 'Accepted, crew on its way', 'On site', 'On site', 'Perhaps false, to be reviewed', 'Made safe, to be verified'],
        others: ['Task Send the repair crew and cordon off the place'],
      }],
      [incident, {
        state: 'Ended',
        said: ['Langang Power Supply Company', 'Level IV', 'Two stalls.', 'The clamp had corroded; all of its age are looked at.'],
        deeds: [
          [a, 'call', /^Reported by telephone by a resident: Fish market, north gate.*sparks.*two stalls burnt/],
          [a, 'move', 'Verified'],
          [a, 'move', 'Propose that it is no incident'],
          [b, 'move', 'It is one'],
          [b, 'move', 'Verified'],
          [b, 'move', 'Grade'],
          [b, 'move', 'Open the response'],
          [operator, 'task', /^Task acknowledged: Go to the site/],
          [operator, 'task', /^Task done: Go to the site.*Line crew 2 leads/],
          [operator, 'move', 'Report controlled'],
          [b, 'move', 'End the response'],
          [b, 'evidence', /^Signed form attached: Signed report of the inquiry/],
          [b, 'move', 'Aftermath done'],
        ],
        stages: ['Reported, to be verified', 'Reported, to be verified', 'Verified, to be graded', 'Verified, to be graded', 'Perhaps no incident, to be decided', 'Graded, response to be opened', 'Response under way', 'Controlled, watched', 'Response ended, recovery'],
        others: ['Task Go to the site, report who leads there and what is needed'],
      }],
      [hazard, {
        state: 'Written off',
        said: ['General hazard', '800 yuan, service fund', 'The valve has to be ordered.', 'The valve closes by hand.'],
        deeds: [
          [inspectorName, 'finding', new RegExp(`^Opened for a finding of an inspection: ${HAZARD}`)],
          [a, 'move', 'Propose that it is no hazard'],
          [inspectorName, 'move', 'It is a hazard'],
          [inspectorName, 'move', 'Grade'],
          [b, 'move', 'Fix the five elements'],
          [b, 'ask', 'Asked: Ask for more time'],
          [inspectorName, 'move', 'Granted: Ask for more time'],
          [crewName, 'evidence', /^Photo attached: Valve after the work/],
          [crewName, 'move', 'Report done'],
          [b, 'evidence', /^Photo attached: Valve at the re-inspection/],
          [b, 'move', 'Re-inspected and written off'],
        ],
        stages: ['Found, to be graded', 'Found, to be graded', 'Perhaps no hazard, to be decided', 'Graded, to be planned', 'Being rectified', 'Reported done, to be inspected'],
        others: ['Decision Ask for more time'],
      }],
    ]);
    for (const [id, w] of want) {
      const main = await goTo(duty, url, id);
      await main.locator('.level .tag', { hasText: w.state }).waitFor();
      // What people did, in its order; what the program wrote in between depends on how fast the city lives.
      const did = (await history(main)).filter((e) => e.who !== 'Anlan');
      assert.deepEqual(did.map((e) => e.who), w.deeds.map((d) => d[0]), `case ${id}: who, in ${JSON.stringify(did)}`);
      w.deeds.forEach(([, kind, what], i) => {
        assert.equal(did[i].kind, kind, `case ${id}: ${JSON.stringify(did[i])}`);
        if (what instanceof RegExp) assert.match(did[i].what, what, `case ${id}`);
        else assert.equal(did[i].what, what, `case ${id}`);
      });
      // What each filled in can be read by whoever comes after.
      for (const said of w.said) await main.locator('ol > li.move').getByText(said).first().waitFor();
      const limits = await kept(main);
      assert.deepEqual(limits.running, [], `case ${id} has no limit that runs`);
      assert.deepEqual(limits.ended.map(([what]) => what).sort(), [...w.stages.map((x) => `Stage ${x}`), ...w.others].sort(), `case ${id}: each of its stages, tasks and decisions had a limit`);
      for (const [what, how] of limits.ended) assert.equal(how, 'kept', `case ${id}: ${what}`);
      assert.equal((await ask('GET', `/cases/${id}`)).outcome, 'proven', `case ${id} ended by proof`);
      await step(`case ${id}: ${w.state}, proven; ${did.length} deeds of people, ${limits.ended.length} limits kept`, duty);
    }
    assert.deepEqual(open.flatMap((s) => s.foreign), [], 'no request leaves the host');
    return { leak, incident, hazard, seconds: (Date.now() - started) / 1000 };
  } finally {
    for (const s of open) await s.context.close();
  }
}

async function goTo(page, url, id) {
  await page.goto(`${url}/console/cases/${id}`);
  const main = page.getByRole('main');
  await main.getByRole('heading', { name: 'Limits' }).or(main.getByRole('heading', { name: 'Timeline' })).first().waitFor();
  return main;
}

async function follow(link) {
  const id = Number(/\d+/.exec(await link.innerText())[0]);
  await link.click();
  return id;
}

/** What is open stands on the page of the handover, each with a link to its case. */
async function allListed(page, cases) {
  for (const id of cases) await page.getByRole('main').locator(`a[href$="/cases/${id}"]`).first().waitFor();
}

/** Signs a handover; what came meanwhile is shown first, and counted. */
async function sign(page, button, said) {
  for (let refused = 0; refused < 20; refused++) {
    // After each answer, yes or no, the page reads the handover anew: no click before it has.
    const handover = (r, method, end) => r.request().method() === method && end.test(new URL(r.url()).pathname);
    const answer = page.waitForResponse((r) => handover(r, 'POST', /\/handovers\/\d+\/(leave|arrive)$/));
    const read = answer.then(() => page.waitForResponse((r) => handover(r, 'GET', /\/handovers\/\d+$/)));
    await page.getByRole('button', { name: button }).click();
    const ok = (await answer).ok();
    await read;
    if (!ok) continue;
    await page.getByText(said).waitFor();
    return refused;
  }
  assert.fail(`${button}: never`);
}

/** A day as the city writes its times. */
function later(from, days) {
  return new Date(from.getTime() + days * 86_400_000).toISOString().slice(0, 10) + ' 12:00';
}

const photo = async (page) => ({ name: 'photo.png', mimeType: 'image/png', buffer: await page.screenshot() });
const document = async (page) => ({ name: 'inquiry.pdf', mimeType: 'application/pdf', buffer: await page.pdf({ format: 'A4' }) });

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const url = (process.env.ANLAN_URL ?? '').replace(/\/+$/, '');
  const token = process.env.ANLAN_TOKEN ?? '';
  if (!url || !token) {
    console.error('ANLAN_URL and ANLAN_TOKEN must be set: the address of a demo server and what its data/local.token holds');
    process.exit(2);
  }
  const browser = await launch();
  try {
    const r = await threeWays({ url, token, browser, shots: process.env.ANLAN_SHOTS ?? '' });
    console.log(`three-ways=ok leak=${r.leak} incident=${r.incident} hazard=${r.hazard} seconds=${r.seconds.toFixed(1)}`);
  } catch (err) {
    console.error(`three-ways=failed ${err.stack ?? err}`);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
