// The recorded flood wave as a drill, from the first reading above the mark to the verified case. Its warning is an exercise: it goes
// to the organisation that takes part in exercises, and never to the public.
//
//   ANLAN_URL=… ANLAN_TOKEN=… ANLAN_DATA=… ANLAN_RECORD=DIR node e2e/tour-wave.mjs
//
// The server must be a drill with the pack replays/drill/wear-drill, see docs/tour.md.

import assert from 'node:assert/strict';
import { move } from './journey.mjs';
import { allClear, approve, carryOut, endPlan, openPlan, part, PATIENCE, propose, prove, script, shown, suggested } from './tour.mjs';

const MAPPING = '../replays/wear-drill.yaml';
const HEAD = /Drill: river flood, (yellow|orange) level, in Upper reach/;

/** By the record: the water has stood above 0.85 m for a quarter of an hour, above 1.00 m, and is low again, and was read once more. */
const RECORD = ['--since', '2022-10-20T13:00:00Z', '--until', '2022-10-21T20:50:00Z'];
const [RISEN, HIGHER, LOW, LATER] = ['2022-10-20T15:35:00Z', '2022-10-20T16:30:00Z', '2022-10-21T20:00:00Z', '2022-10-21T21:00:00Z'];
const SPEED = 600;

async function wave(t) {
  const { url, ask } = t;
  const record = process.env.ANLAN_RECORD ?? '';
  assert.ok(record, 'ANLAN_RECORD is the folder sensors/river-wear-2022');
  for (const list of ['areas.geojson', 'organisations.csv', 'duties.csv']) {
    await t.anlan('city', 'import', `../replays/drill/wear-drill/register/${list}`, '--as', list.split('.')[0], '--url', url, '--data', t.data);
  }
  t.step('the register of the drill is imported');

  const inDrills = await t.receiver();
  const others = await t.receiver();
  const title = (en, zh) => ({ en, 'zh-CN': zh });
  const admin = await t.person({ name: 'drill-admin', roles: ['administrator'] });
  await inDrills.register(admin, { title: title('Drill school office', '演练学校办公室'), statuses: ['Actual', 'Exercise'] });
  await others.register(admin, { title: title('Another office', '其他单位') });
  const organisations = (await ask('GET', '/organisations')).items;
  const town = organisations.find((o) => o.name.en === 'Drill town office, upper reach').id;
  const first = await t.person({ name: 'drill-first', roles: ['duty-officer'] });
  const second = await t.person({ name: 'drill-second', roles: ['duty-officer'] });
  const agency = await t.person({ name: 'drill-town', roles: ['operator'], organisation: town }, { width: 390, height: 844 });
  t.step('two officers and a town office sit at their desks');

  // ---- Readings, an alert, its case.
  const row = first.locator('.rows a').filter({ hasText: 'River above its drill mark' }).filter({ hasText: 'Stanhope' });
  await first.goto(`${url}/console/`);
  const replay = t.replay(MAPPING, '--from', record, ...RECORD);
  await t.forward(SPEED, RISEN);
  await shown(first, row, PATIENCE.alert);
  const [alert] = (await ask('GET', '/alerts?state=open&limit=1000')).items.filter((a) => a.detector === 'wear-drill/river-level');
  assert.equal(alert.level, 'yellow');
  t.step(`alert ${alert.id} on the console: ${alert.because.en}`);
  const incident = await t.caseOf(alert);
  await first.goto(`${url}/console/cases/${incident.id}`);
  await move(first, first.getByRole('main'), 'Accept', {}, PATIENCE);
  t.step(`case ${incident.id} accepted`);

  // ---- The warning: suggested, prefilled, proposed by one, approved by another.
  await suggested(first, url, 'Issue', HEAD);
  await first.getByRole('radio', { name: 'Yellow warning', checked: true }).waitFor();
  assert.ok(await first.getByRole('radio', { name: 'Exercise' }).isChecked(), 'the drill suggests an exercise');
  assert.equal(await first.getByLabel('Headline, in Chinese', { exact: true }).inputValue(), '【演练】上游演练河段洪水黄色演练信息');
  assert.match(await first.getByLabel('What is happening, in English', { exact: true }).inputValue(), /This is a drill.*Drill gauge Stanhope/);
  await t.shoot(first, 'composer');
  const w = await propose(first);
  assert.deepEqual([w.status, w.state, w.level], ['Exercise', 'proposed', 'yellow']);
  assert.equal((await ask('GET', `/warnings/${w.id}`)).alerts[0], alert.id);
  t.step(`warning ${w.number} proposed, an exercise`);
  await approve(second, url, w.id);
  t.step('approved by a second officer');

  // ---- Whom it reaches, and whom it never does.
  const sent = await inDrills.next('warning.issued', w.number);
  assert.equal(sent.data.status, 'Exercise');
  assert.match(sent.data.cap, /<status>Exercise<\/status>[\s\S]*EXERCISE EXERCISE EXERCISE/);
  const file = await t.keep(`${w.number}.1.xml`, sent.data.cap);
  if (file) assert.match(await t.anlan('cap', 'check', file), /: accept$/m);
  await unheard(t, w, others);
  t.step('it reached the office that takes part in exercises; not the page, the feeds, the displays, or the other office');

  // ---- The plan, opened as a drill.
  const board = await openPlan(second, url, ask, /^Proposed: open Level III response.*Flood/, 'Drill: the recorded wave comes down the river.', /^Level III response/);
  assert.equal(board.drill, true);
  await second.getByText('Exercise', { exact: true }).first().waitFor();
  const tasks = await carryOut(agency, url, board, town, 'Done in the drill.');
  await second.reload();
  await second.getByRole('heading', { level: 1 }).waitFor();
  await t.shoot(second, 'board');
  t.step(`response ${board.id} opened as a drill; the town office took its ${tasks} tasks with one click each and reported them done`);

  // ---- It gets worse, and is over.
  await t.forward(SPEED, HIGHER);
  await suggested(first, url, 'Upgrade', /orange/);
  await first.getByRole('radio', { name: 'Orange warning', checked: true }).waitFor();
  await propose(first, 'Propose the upgrade');
  await approve(second, url, w.id);
  assert.equal((await inDrills.next('warning.updated', w.number)).data.level, 'orange');
  t.step('the water rises on: upgraded to orange');

  await t.forward(2 * SPEED, LOW);
  await first.goto(`${url}/console/warnings`);
  const over = part(first, /^Suggested by detectors/).getByRole('listitem').filter({ has: first.locator('.tag', { hasText: 'All clear' }) }).filter({ hasText: 'Upper reach' });
  const link = (await shown(first, over)).getByRole('link').first();
  t.step('the alerts of the upper reach have cleared: the all-clear is suggested');
  await link.click();
  await allClear(first, 'The recorded wave has passed the upper reach.');
  assert.match((await inDrills.next('warning.all-clear', w.number)).data.headline.en, /^All clear/);
  await unheard(t, w, others);
  assert.equal((await ask('GET', '/warnings/suggestions')).items.filter((x) => x.warning === w.id).length, 0);
  t.step('all clear; the public has still heard nothing');

  // ---- The end of the plan, and proof.
  await endPlan(second, url, board, 'The recorded wave has passed.', 'Not played in this drill.');
  assert.equal((await ask('GET', `/responses/${board.id}`)).state, 'ended');
  t.step('the response has ended');
  await first.goto(`${url}/console/cases/${incident.id}`);
  await move(first, first.getByRole('main'), 'Report that the water has gone', { 'What was done': 'The bank was watched until the wave had passed.' }, PATIENCE);
  await t.forward(SPEED, LATER); // only a reading that was taken after it proves anything
  const tried = await prove(second, url, ask, incident);
  t.step(`case ${incident.id} verified by the second officer on a reading back under the mark (${tried} tried)`);

  // ---- An exercise is never judged.
  assert.equal((await ask('GET', '/warnings/verdicts?waiting=true')).items.length, 0);
  const skill = await ask('GET', '/warnings/skill');
  assert.doesNotMatch(JSON.stringify(skill), /"hits":[1-9]/);
  t.step('no verdict is owed for an exercise, and no figure counts it');
  await t.ledgerHolds();
  await replay.done;
}

/** That the public has heard nothing of it: neither the page in either language, nor feeds, displays, or whoever wants no exercises. */
async function unheard(t, w, others) {
  for (const [lang, headline] of [['en', 'Drill: river flood'], ['zh-CN', '【演练】']]) {
    const p = await t.publicPage(lang);
    assert.ok(!p.text.includes(w.number) && !p.text.includes(headline), `the public page: ${p.text}`);
    await p.close();
  }
  for (const feed of ['warnings.atom', 'warnings.rss', 'warnings.edxl']) {
    const text = await (await fetch(`${t.url}/${feed}`)).text();
    assert.ok(!text.includes(w.number), feed);
  }
  assert.deepEqual((await t.sign()).warnings, []);
  for (const to of [`/warnings/${w.number}`, `/warnings/${w.number}.xml`, `/warnings/${w.number}.1.xml`]) assert.equal((await fetch(t.url + to)).status, 404, to);
  assert.deepEqual(others.got, []);
}

await script(import.meta, 'tour-wave', wave);
