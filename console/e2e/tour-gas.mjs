// The recorded gas release of 10 May 2022 at METEC, from the first readings above clean air to the case that is verified and the
// warning that is judged. Its warning is a real one: it goes to the public, the feeds, the displays, and whoever is told.
//
//   ANLAN_URL=… ANLAN_TOKEN=… ANLAN_DATA=… ANLAN_RECORD=DIR node e2e/tour-gas.mjs
//
// The server must live in the time of the record, with the pack replays/metec, see docs/tour.md.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { move } from './journey.mjs';
import { allClear, approve, endPlan, openPlan, part, PATIENCE, propose, prove, reportDone, script, shown, suggested, takeOn } from './tour.mjs';

const MAPPING = '../replays/methane.yaml';
const REGISTER = '../replays/metec/register';

/** The record from clean air on: the release before has ended and its gas is gone. */
const CLEAN = '2022-05-10T17:15:00Z';

/** By the record: the alert stands, the wind has turned for an hour and more, the gas has been gone for an hour. */
const [RAISED, TURNED, GONE] = ['2022-05-10T20:36:00Z', '2022-05-10T22:00:00Z', '2022-05-10T23:30:00Z'];
const SPEED = 240;
const HEAD = /Gas release, yellow level, near METEC test site/;

/** What is known of a leak in the open that is this small: answers of the company by task, in the order of the plan. */
const DONE = {
  'send-crew': 'One crew is at the gate.',
  measure: '0.1',
  'shut-off': 'One valve shut, no home without gas.',
  'spaces-around': '0',
  recheck: '0',
  relight: 'No home was without gas.',
};
/** These wait until no gas comes any more. */
const AFTER = ['recheck', 'relight'];

async function gas(t) {
  const { url, ask } = t;
  const record = process.env.ANLAN_RECORD ?? '';
  assert.ok(record, 'ANLAN_RECORD is the folder sensors/methane-metec');
  const release = await releaseAt(record, '2022-05-10 20:28:39+00:00');

  for (const list of ['areas.geojson', 'organisations.csv', 'places.csv', 'duties.csv']) {
    const system = list === 'places.csv' ? ['--coordinates', 'wgs84'] : [];
    await t.anlan('city', 'import', `${REGISTER}/${list}`, '--as', list.split('.')[0], ...system, '--url', url, '--data', t.data);
  }
  await ask('PUT', '/city', { name: { en: 'METEC replay city', 'zh-CN': 'METEC 回放市' }, time_zone: 'UTC' });
  t.step('the register around the site is imported');

  const told = await t.receiver();
  const admin = await t.person({ name: 'gas-admin', roles: ['administrator'] }, { at: 'warnings' });
  await told.register(admin, { title: { en: 'Replay school office', 'zh-CN': '回放学校办公室' } });
  await admin.close();
  const company = (await ask('GET', '/organisations')).items.find((o) => o.name.en === 'Replay gas company').id;
  const crew = await t.person({ name: 'gas-crew', roles: ['operator'], organisation: company }, { at: 'inbox', width: 390, height: 844 });
  const second = await t.person({ name: 'gas-second', roles: ['duty-officer'] }, { at: 'warnings' });
  const first = await t.person({ name: 'gas-first', roles: ['duty-officer'] });
  t.step('two officers and the gas company sit at their desks');

  // ---- Readings, an alert with where the gas may come from, its case.
  const row = first.locator('.rows a').filter({ hasText: 'Methane at the fence line' });
  t.replay(MAPPING, '--from', record, '--since', CLEAN);
  await t.forward(SPEED, RAISED);
  await shown(first, row, PATIENCE.alert);
  const [alert] = (await ask('GET', '/alerts?state=open&limit=1000')).items.filter((a) => a.detector === 'gas/methane-ambient');
  assert.ok(new Date(alert.since) >= release.from, `the alert's first sign, ${alert.since}, came with the release of ${release.from.toISOString()}`);
  t.step(`alert ${alert.id} at ${alert.raised_at}, ${minutes(release.from, alert.raised_at)} min after the release began: ${alert.because.en}`);
  const incident = await t.caseOf(alert);
  await first.goto(`${url}/console/cases/${incident.id}`);
  await move(first, first.getByRole('main'), 'Accept', {}, PATIENCE);
  await move(first, first.getByRole('main'), 'Crew has arrived', {}, PATIENCE);
  t.step(`case ${incident.id} accepted, the crew is on site`);

  // ---- The warning: suggested, prefilled, proposed by one, approved by another.
  await suggested(first, url, 'Issue', HEAD);
  await first.getByRole('radio', { name: 'Yellow warning', checked: true }).waitFor();
  assert.ok(await first.getByRole('radio', { name: /^Real/ }).isChecked(), 'it is no exercise');
  assert.equal(await first.getByLabel('Headline, in Chinese', { exact: true }).inputValue(), 'METEC 试验场附近燃气泄漏黄色预警');
  assert.match(await first.getByLabel('What is happening, in English', { exact: true }).inputValue(), /fence of METEC test site: gas escapes there\.\nMeasured: .* ppm at METEC fence /);
  const inside = first.locator('section', { has: first.getByRole('heading', { name: 'What lies inside' }) });
  await inside.locator('summary', { hasText: 'Schools' }).click();
  await inside.getByText('School north of the site (made up)').waitFor();
  await t.shoot(first, 'composer');
  const w = await propose(first);
  assert.deepEqual([w.status, w.state, w.level], ['Actual', 'proposed', 'yellow']);
  assert.equal((await ask('GET', `/warnings/${w.id}`)).alerts[0], alert.id);
  await silent(t, w, told);
  t.step(`warning ${w.number} proposed by the first officer; the public hears nothing yet`);
  await approve(second, url, w.id);
  t.step('approved by the second');

  // ---- Whom it reaches.
  const sent = await told.next('warning.issued', w.number);
  assert.match(sent.data.cap, /<status>Actual<\/status>/);
  assert.match(await t.document(w.number, 1), /<msgType>Alert<\/msgType>[\s\S]*METEC fence/);
  for (const [lang, headline] of [['en', 'Gas release, yellow level, near METEC test site'], ['zh-CN', 'METEC 试验场附近燃气泄漏黄色预警']]) {
    const p = await t.publicPage(lang);
    assert.ok(p.text.includes(headline), `the public page in ${lang}: ${p.text}`);
    if (lang === 'en') await t.shoot(p.page, 'public');
    await p.close();
  }
  for (const feed of ['warnings.atom', 'warnings.rss', 'warnings.edxl']) assert.ok((await (await fetch(`${url}/${feed}`)).text()).includes(w.number), feed);
  assert.deepEqual((await t.sign()).warnings.map((x) => [x.number, x.level]), [[w.number, 'yellow']]);
  t.step('it stands on the public page in both languages, in three feeds and on the displays; the school office got it, signed');

  // ---- The plan: opened by a person, tasks taken on with one click each.
  const board = await openPlan(second, url, ask, /^Proposed: open Level III response.*Gas leak/, 'Gas in the open, far below what burns: crew, cordon and valve.', /^Level IV response/);
  assert.equal(board.drill, false);
  const tasks = await takeOn(crew, url, board, company);
  t.step(`response ${board.id} opened at level IV; the gas company took its ${tasks.length} tasks with one click each`);

  // ---- Where the gas comes from: the wind has had time to turn.
  await t.forward(SPEED, TURNED);
  const origin = await t.until('an origin of the gas', async () => {
    const o = await ask('GET', `/alerts/${alert.id}/origin`);
    return o.verdict === 'named' && o;
  });
  assert.equal(origin.candidates[0].name.en, 'Tank', `the gas was let out at the tank: ${origin.says.en}`);
  await first.goto(`${url}/console/?sel=alert:${alert.id}`);
  const hint = first.getByRole('region', { name: 'Where it may come from' });
  await hint.getByRole('listitem').filter({ hasText: 'Tank' }).filter({ hasText: 'the wind points here' }).waitFor();
  await hint.scrollIntoViewIfNeeded();
  await t.shoot(first, 'origin');
  t.step(`origin: ${origin.says.en}`);
  await reportDone(crew, url, board, tasks.filter((x) => !AFTER.includes(x.name)), (x) => DONE[x.name]);
  t.step(`it reported ${tasks.length - AFTER.length} of them done`);

  // ---- No gas comes any more.
  await t.forward(SPEED, GONE);
  await first.goto(`${url}/console/warnings`);
  const over = part(first, /^Suggested by detectors/).getByRole('listitem').filter({ has: first.locator('.tag', { hasText: 'All clear' }) });
  const link = (await shown(first, over, PATIENCE.reading)).getByRole('link').first();
  const cleared = await ask('GET', `/alerts/${alert.id}`);
  assert.ok(new Date(cleared.cleared_at) > release.to, `the alert stood until ${cleared.cleared_at}`);
  t.step(`the alert cleared at ${cleared.cleared_at}, ${minutes(release.to, cleared.cleared_at)} min after the release ended: the all-clear is suggested`);
  await link.click();
  await allClear(first, 'No gas at the fence for an hour, the valve is shut.');
  const lifted = await told.next('warning.all-clear', w.number);
  assert.match(lifted.data.headline.en, /^All clear/);
  await t.document(w.number, 2);
  const p = await t.publicPage('en');
  assert.match(p.text, /No warnings are in force/);
  assert.match(p.text, /All clear given on/);
  await p.close();
  assert.deepEqual((await t.sign()).warnings, []);
  t.step('all clear: on the page, on the displays, to the school office');

  // ---- The end of the plan, and proof.
  await reportDone(crew, url, board, tasks.filter((x) => AFTER.includes(x.name)), (x) => DONE[x.name]);
  await endPlan(second, url, board, 'No gas comes any more, and none is left.', 'Not needed: the gas stayed within the fence.');
  assert.equal((await ask('GET', `/responses/${board.id}`)).state, 'ended');
  t.step('the response has ended');
  await first.goto(`${url}/console/cases/${incident.id}`);
  await move(first, first.getByRole('main'), 'Report made safe', { Cause: { label: 'Leaking joint or valve' }, 'What was done': 'The valve at the tank was shut.' }, PATIENCE);
  await t.forward(SPEED / 4, new Date((await cityTime(ask)).getTime() + 3 * 60_000).toISOString()); // instruments tell each minute
  const tried = await prove(second, url, ask, incident);
  t.step(`case ${incident.id} verified by the second officer on a reading back under the limit (${tried} tried)`);

  // ---- What really happened, and what the public reads of it.
  await second.goto(`${url}/console/warnings/${w.id}`);
  const verdict = second.getByRole('form', { name: 'Verdict', exact: true });
  await verdict.getByRole('radio', { name: /^It happened/ }).check();
  const began = release.from.toISOString().slice(0, 16).replace('T', ' ');
  await verdict.getByLabel('Since when').fill(began);
  await verdict.getByRole('textbox').last().fill(`The test centre let gas out at its tank from ${began} UTC on, ${Math.round(release.grams)} g of methane an hour.`);
  await verdict.getByRole('button', { name: 'Record it' }).click();
  await verdict.waitFor({ state: 'detached' });
  const skill = await ask('GET', '/warnings/skill');
  const all = skill.figures.find((f) => !f.hazard && !f.level);
  assert.deepEqual([all.issued, all.waiting, all.hits, all.false, all.missed, all.lead.n, all.lead.late], [1, 0, 1, 0, 0, 1, 1]);
  const [hit] = (await ask('GET', '/warnings/skill/rows?figure=hits')).items;
  assert.equal(hit.number, w.number);
  assert.equal(all.lead.median_minutes, hit.lead_minutes);
  assert.ok(Math.abs(hit.lead_minutes - minutes(hit.issued, hit.began)) <= 1, JSON.stringify(hit));
  const figures = await t.publicPage('en', '/warnings/skill');
  assert.match(figures.text, new RegExp(`All warnings[\\s\\S]*100 % of 1\\t0 % of 1\\t100 % of 1\\t${Math.round(hit.lead_minutes)} min`));
  await figures.close();
  t.step(`judged: it happened; the public page of figures has one hit, ${-Math.round(hit.lead_minutes)} min after the release began`);
  await t.ledgerHolds();
}

/** Before a second officer has said yes, nobody outside knows. */
async function silent(t, w, told) {
  assert.equal((await fetch(`${t.url}/warnings/${w.number}`)).status, 404);
  assert.ok(!(await t.feed()).includes(w.number));
  assert.deepEqual((await t.sign()).warnings, []);
  assert.deepEqual(told.got, []);
}

/** The time in which the city lives. */
async function cityTime(ask) {
  return new Date((await ask('GET', '/time')).now);
}

function minutes(from, to) {
  return Math.round((new Date(to) - new Date(from)) / 60_000);
}

/** What the test centre says of the release that began then. */
async function releaseAt(record, start) {
  const [head, ...rows] = (await readFile(path.join(record, 'controlled_releases.csv'), 'utf8')).replace(/^\ufeff/, '').trim().split(/\r?\n/);
  const at = (row, column) => row.split(',')[head.split(',').indexOf(column)];
  const row = rows.find((r) => at(r, 'tc_ExpStartDatetime') === start);
  assert.ok(row, `a release that began at ${start}`);
  const time = (column) => new Date(at(row, column).replace(' ', 'T'));
  return { from: time('tc_ExpStartDatetime'), to: time('tc_ExpEndDatetime'), grams: Number(at(row, 'tc_C1MassFlow')) };
}

await script(import.meta, 'tour-gas', gas);
