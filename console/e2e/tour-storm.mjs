// The demo's storm, from the weather service's warning to the verified case. The rainstorm warning is the service's own and is passed
// on; the city's own warning is about water in the streets.
//
//   ANLAN_URL=… ANLAN_TOKEN=… ANLAN_DATA=… ANLAN_WEATHER=ADDRESS node e2e/tour-storm.mjs
//
// The server must be a demo of the storm; at ANLAN_WEATHER stands a feed that signs what it is given, see docs/tour.md.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { move } from './journey.mjs';
import { allClear, approve, carryOut, endPlan, openPlan, part, PATIENCE, propose, prove, script, shown, suggested } from './tour.mjs';

const WEATHER = { en: 'Langang weather service', 'zh-CN': '澜港市气象台' };
const SIGNAL = {
  yellow: { en: 'Langang weather service issues the yellow rainstorm signal', 'zh-CN': '澜港市气象台发布暴雨黄色预警信号' },
  orange: { en: 'Langang weather service raises the rainstorm signal to orange', 'zh-CN': '澜港市气象台发布暴雨橙色预警信号' },
};
const LASTS = 6 * 3_600_000;
const SPEED = 200; // while nobody decides anything
const POLL = 20; // while the weather service's feed is read again

async function storm(t) {
  const { url, ask } = t;
  const weather = process.env.ANLAN_WEATHER ?? '';
  assert.ok(weather, 'ANLAN_WEATHER is the address of the feed');
  const truth = JSON.parse(await readFile(path.join(t.data, 'truth.json'), 'utf8'));
  const planted = truth.incidents.find((i) => i.id === 'incident-storm');
  const rainEnds = Date.parse(planted.start) + LASTS;
  const now = async () => Date.parse((await ask('GET', '/time')).now);

  // ---- Desks, and whom the city tells.
  const office = await t.receiver();
  const admin = await t.person({ name: 'storm-admin', roles: ['administrator'] });
  // Maps are drawn anew with every reading, which a processor without graphics can't do for a city that lives fast: the desks of this
  // tour are without them.
  const seat = async (button, how) => {
    const page = await t.demo(button, how);
    await page.addInitScript(() => {
      const get = HTMLCanvasElement.prototype.getContext;
      HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
        return /^webgl/.test(kind) ? null : get.call(this, kind, ...rest);
      };
    });
    await page.goto(`${url}/console/inbox`);
    return page;
  };
  const first = await seat('Continue as demo duty officer');
  const second = await seat('Continue as second officer');
  await office.register(admin, { title: { en: 'Bus company', 'zh-CN': '公交公司' } });
  await t.as(admin, 'POST', '/warnings/recipients', { title: { en: 'District offices', 'zh-CN': '街镇值班室' }, channel: 'sms', address: '+862155500100', language: 'zh-CN' });
  t.step('two officers at their desks; a bus company is told by webhook, the district offices by text message');

  // ---- The weather service's warning: passed on, never composed here.
  const city = (await ask('GET', '/areas')).features ?? (await ask('GET', '/areas')).items;
  const service = await passing(weather, now);
  const pinned = await (await fetch(`${weather}/certificate.pem`)).text();
  const yellow = await service.send('Alert', 'yellow', outline(city));
  await t.as(admin, 'POST', '/warnings/partners', { title: WEATHER, url: `${weather}/feed.xml`, service: 'weather', trust: 'signed', pinned, covers: 'wider', every: 30 });
  await relayed(t, yellow, 'yellow');
  const phone = await seat('Continue as demo duty officer', { width: 390, height: 844 }); // the desk without its map
  await phone.goto(`${url}/console/?tab=warnings`);
  await phone.getByRole('list', { name: 'Of other services, passed on' }).getByText(SIGNAL.yellow.en).waitFor();
  await phone.goto(`${url}/console/inbox`);
  t.step('the weather service’s yellow signal stands on the desk, and on the public page and its map in both languages, as its own');

  // ---- Readings, an alert, its case.
  // The town under the worst of it.
  const waterIn = (kind) => async () => (await ask('GET', '/warnings/suggestions')).items.find((s) => s.hazard === 'waterlogging' && s.kind === kind && planted.name.en.endsWith(s.areas[0].name.en));
  const suggestion = await t.pass(SPEED, 'a suggestion about water in the streets', waterIn('issue'));
  const [area] = suggestion.areas;
  const alerts = await Promise.all(suggestion.alerts.map((a) => ask('GET', `/alerts/${a.alert}`)));
  const alert = alerts.find((a) => a.detector === 'flood/road-water' && a.state !== 'cleared') ?? assert.fail(`no water on a road among ${suggestion.alerts.map((a) => a.alert)}`);
  await phone.goto(`${url}/console/?sel=alert:${alert.id}`);
  const drawer = phone.getByRole('complementary');
  await drawer.getByRole('heading', { name: 'The rule in words' }).waitFor();
  assert.ok((await drawer.innerText()).includes(alert.asset_name.en), 'the alert names its gauge');
  await phone.goto(`${url}/console/inbox`);
  t.step(`alert ${alert.id} in ${area.name.en}: ${alert.because.en}`);
  const incident = await t.caseOf(alert);
  await first.goto(`${url}/console/cases/${incident.id}`);
  await move(first, first.getByRole('main'), 'Accept', {}, PATIENCE);
  t.step(`case ${incident.id} accepted`);

  // ---- The city's own warning, with every press counted.
  const presses = await counted(first, second);
  await menu(first, 'Warnings');
  const suggests = part(first, /^Suggested by detectors/).getByRole('listitem').filter({ has: first.locator('.tag', { hasText: 'Issue' }) }).filter({ hasText: area.name.en });
  await (await shown(first, suggests)).getByRole('link').first().click();
  await first.getByRole('radio', { name: 'Orange warning', checked: true }).waitFor();
  const headline = {
    en: await first.getByLabel('Headline, in English', { exact: true }).inputValue(),
    'zh-CN': await first.getByLabel('Headline, in Chinese', { exact: true }).inputValue(),
  };
  assert.match(headline['zh-CN'], /[^发布]城市内涝橙色预警：部分道路(?:疑似)?积水$/);
  assert.equal(await first.locator('#warning-hazard option', { hasText: /rainstorm/i }).count(), 0, 'nobody composes a rainstorm warning here');
  await t.shoot(first, 'composer');
  await first.getByRole('button', { name: /^\+6\s?h$/ }).click(); // a text on what is only suspected lasts three hours; the rain lasts longer
  const w = await propose(first);
  assert.deepEqual([w.status, w.state, w.level, w.hazard], ['Actual', 'proposed', 'orange', 'waterlogging']);
  await menu(second, 'Warnings');
  await (await shown(second, part(second, /^Waiting for a second officer/).getByRole('listitem').filter({ hasText: headline.en }))).getByRole('link').first().click();
  const issued = second.waitForResponse((r) => r.request().method() === 'POST' && r.url().endsWith(`/warnings/${w.id}/approve`));
  await second.getByRole('button', { name: 'Approve and issue' }).click();
  assert.ok((await issued).ok(), `approved: ${(await issued).status()}`);
  const pressed = await presses();
  assert.ok(pressed > 0 && pressed <= 8, `${pressed} presses`);
  t.step(`warning ${w.number} proposed by one officer and issued by another with ${pressed} presses together`);

  // ---- Whom it reaches.
  await told(t, office, w, { type: 'warning.issued', version: 1, headline, level: 'orange' });
  t.step('it stands on the public page in both languages, in three feeds and on the street displays; webhook and text message have it');

  // ---- The plan with four agencies.
  const board = await openPlan(second, url, ask, /^Proposed: open Level I[IV]* response.*Flood/, 'The rainstorm signal stands, underpasses are under water.', /^Level III response/);
  const known = (await ask('GET', '/organisations')).items;
  const posts = (await ask('GET', '/session/demo')).posts;
  const agencies = await Promise.all(
    posts.map(async (p) => ({ name: p.title.en, id: known.find((o) => o.name.en === p.title.en).id, page: await seat(p.title.en, { width: 390, height: 844 }) })),
  );
  assert.ok(agencies.length >= 4, `four agencies, got ${agencies.map((a) => a.name)}`);
  const done = await Promise.all(agencies.map((a) => carryOut(a.page, url, board, a.id, 'Done as ordered.')));
  for (const a of agencies) {
    const tasks = board.agencies.flatMap((x) => x.tasks.map((y) => ({ ...y, card: x.agency }))).filter((x) => x.organisation === a.id);
    for (const task of tasks) await second.locator('section.card', { has: second.locator(`#agency-${task.card}`) }).locator('ol > li').filter({ hasText: task.title.en }).filter({ has: second.locator('.tag', { hasText: 'done' }) }).first().waitFor();
  }
  const after = await ask('GET', `/responses/${board.id}`);
  const theirs = after.agencies.flatMap((a) => a.tasks).filter((x) => agencies.some((a) => a.id === x.organisation));
  assert.ok(theirs.every((x) => x.acknowledged_by && x.state === 'done'), JSON.stringify(theirs.map((x) => [x.title.en, x.state])));
  await t.shoot(second, 'board');
  t.step(`response ${board.id}, level III: ${agencies.map((a) => a.name).join(', ')} took ${done.reduce((a, b) => a + b)} tasks on with one click each and reported them done`);

  // ---- It gets worse: the pumps below the town stop.
  const orange = await service.send('Update', 'orange', outline(city), yellow);
  await relayed(t, orange, 'orange');
  t.step('the weather service has raised its signal to orange, and so it stands here');
  const worse = await t.pass(SPEED, 'red in the same town', waterIn('upgrade'));
  await suggested(first, url, 'Upgrade', area.name.en);
  await first.getByRole('radio', { name: 'Red warning', checked: true }).waitFor();
  await first.getByRole('button', { name: /^\+6\s?h$/ }).click();
  await propose(first, 'Propose the upgrade');
  const red = (await approve(second, url, w.id)).headline;
  await told(t, office, w, { type: 'warning.updated', version: 2, headline: red, level: 'red' });
  t.step('the water rises on: upgraded to red, and everybody is told');

  // ---- Crews: at the first underpass, at the pumps, at the other underpasses.
  await first.goto(`${url}/console/cases/${incident.id}`);
  await move(first, first.getByRole('main'), 'Crew has arrived', {}, PATIENCE);
  const pumps = await t.pass(POLL, 'the case of the stopped pumps', async () => {
    const [stopped] = (await ask('GET', '/alerts?state=open&detector=flood/pump-stopped')).items;
    return stopped && t.findCase(stopped);
  });
  if (pumps.id !== incident.id) {
    const drainage = agencies[posts.findIndex((p) => p.as === 'drainage')];
    const crew = pumps.owner === drainage.id ? drainage.page : second;
    await crew.goto(`${url}/console/cases/${pumps.id}`);
    for (const deed of ['Accept', 'Crew has arrived']) await move(crew, crew.getByRole('main'), deed, {}, PATIENCE);
  }
  const others = (await ask('GET', '/cases?state=open&limit=1000')).items.filter((c) => ![incident.id, pumps.id].includes(c.id) && worse.alerts.some((a) => a.alert === c.alert));
  for (const c of others) for (const deed of ['accept', 'arrive']) await t.as(first, 'POST', `/cases/${c.id}/moves`, { move: deed, fields: {} });
  t.step(`crews are at the underpass of case ${incident.id}, at the stopped pumps, and at ${others.length} other places`);

  // ---- The storm ends.
  await t.forward(SPEED, new Date(rainEnds).toISOString());
  await service.send('Cancel', 'orange', outline(city), orange);
  await t.pass(POLL, 'the end of the signal', async () => (await ask('GET', '/warnings/received')).items.length === 0, PATIENCE.step);
  for (const lang of ['en', 'zh-CN']) {
    const p = await t.publicPage(lang);
    assert.ok(!p.text.includes(SIGNAL.orange[lang]) && p.text.includes(red[lang]), `after the cancel: ${p.text}`);
    await p.close();
  }
  t.step('the rain is over: the weather service has cancelled its signal; the city’s warning stands until the city ends it');

  await t.pass(SPEED, 'the all-clear suggested', waterIn('all-clear'), 2 * PATIENCE.reading);
  await first.goto(`${url}/console/warnings`);
  const over = part(first, /^Suggested by detectors/).getByRole('listitem').filter({ has: first.locator('.tag', { hasText: 'All clear' }) }).filter({ hasText: area.name.en });
  await (await shown(first, over)).getByRole('link').first().click();
  await allClear(first, 'The water has run off and the underpasses are open.');
  await told(t, office, w, { type: 'warning.all-clear', version: 3 });
  t.step('the alerts have cleared: all clear, suggested and given');

  // ---- The end of the plan, and proof.
  await endPlan(second, url, board, 'The rain is over and the water has run off.', 'Settled by telephone: this agency takes no part in the drill.');
  assert.equal((await ask('GET', `/responses/${board.id}`)).state, 'ended');
  t.step('the response has ended');
  await first.goto(`${url}/console/cases/${incident.id}`);
  await move(first, first.getByRole('main'), 'Report that the water has gone', { 'What was done': 'Pumped out, gullies cleared, road opened.' }, PATIENCE);
  await t.pace(POLL); // only a reading that was taken after it proves anything
  const tried = await prove(second, url, ask, incident);
  t.step(`case ${incident.id} verified by the second officer on a reading back under the limit (${tried} tried)`);

  // ---- Was it right?
  const top = await ask('GET', `/alerts/${worse.alerts[0].alert}`);
  await verdict(t, second, w, new Date(top.since));
  await t.ledgerHolds();
}

/** The weather service: what it sends stands at its feed, signed there, until the next. */
async function passing(feed, now) {
  let n = 0;
  const stamp = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, '-00:00');
  return {
    async send(type, level, polygon, before) {
      const sent = await now();
      const m = { id: `rainstorm-${++n}`, sent: stamp(sent) };
      const info = (lang) => `<info><language>${lang}</language><category>Met</category><event>${lang === 'en' ? 'Rainstorm' : '暴雨'}</event><urgency>Expected</urgency><severity>${level === 'yellow' ? 'Moderate' : 'Severe'}</severity><certainty>Likely</certainty><expires>${stamp(sent + 2 * LASTS)}</expires><senderName>${WEATHER[lang]}</senderName><headline>${SIGNAL[level][lang]}</headline><description>${lang === 'en' ? 'More than 50 mm of rain are expected within six hours.' : '预计未来6小时内降雨量将达50毫米以上。'}</description><area><areaDesc>${lang === 'en' ? 'Langang' : '澜港市'}</areaDesc><polygon>${polygon}</polygon></area></info>`;
      const text = `<?xml version="1.0" encoding="UTF-8"?>\n<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>${m.id}</identifier><sender>weather@langang.example</sender><sent>${m.sent}</sent><status>Actual</status><msgType>${type}</msgType><scope>Public</scope>${before ? `<references>weather@langang.example,${before.id},${before.sent}</references>` : ''}${info('zh-CN')}${info('en')}</alert>`;
      const res = await fetch(`${feed}/feed.xml`, { method: 'PUT', body: text });
      assert.ok(res.ok, `the feed: ${res.status} ${await res.text()}`);
      return m;
    },
  };
}

/** A box around the city, as CAP writes a polygon. */
function outline(areas) {
  const points = [];
  const walk = (x) => (typeof x[0] === 'number' ? points.push(x) : x.forEach(walk));
  for (const a of areas) walk(a.geometry.coordinates);
  const [xs, ys] = [points.map((p) => p[0]), points.map((p) => p[1])];
  const [w, e, s, n] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return [[s, w], [s, e], [n, e], [n, w], [s, w]].map((p) => p.map((v) => v.toFixed(4)).join(',')).join(' ');
}

/** The service's message is in force here as the service's own, and nothing of it goes out as ours. */
async function relayed(t, m, level) {
  const [r, ...others] = await t.pass(POLL, `${m.id} in force`, async () => {
    const { items } = await t.ask('GET', '/warnings/received');
    return items[0]?.identifier === m.id && items;
  });
  assert.deepEqual([others.length, r.level, r.hazard], [0, level, 'rainstorm']);
  for (const [lang, mark] of [['en', `Relayed from ${WEATHER.en}:`], ['zh-CN', `转发${WEATHER['zh-CN']}：`]]) {
    const p = await t.publicPage(lang);
    assert.ok(p.text.includes(mark) && p.text.includes(SIGNAL[level][lang]), `the public page: ${p.text}`);
    await p.page.locator('section', { has: p.page.locator('#map') }).getByRole('link', { name: SIGNAL[level][lang] }).waitFor();
    await p.close();
  }
  assert.ok((await t.sign()).warnings.some((x) => x.number.startsWith('relayed-') && x.level === level), 'the street displays');
  for (const feed of ['warnings.atom', 'warnings.rss', 'warnings.edxl']) assert.ok(!(await (await fetch(`${t.url}/${feed}`)).text()).includes(SIGNAL[level]['zh-CN']), `${feed}: not ours`);
}

/** Everyone whom the city tells has this message of a warning: the public in both languages, feeds, displays, webhook, text message. */
async function told(t, office, w, { type, version, headline, level }) {
  const over = type === 'warning.all-clear';
  const sent = await office.next(type, w.number);
  if (over) headline = sent.data.headline;
  else assert.equal(sent.data.level, level);
  for (const lang of ['en', 'zh-CN']) {
    const p = await t.publicPage(lang);
    assert.equal(await p.page.locator(`article[aria-labelledby="w${w.number}"]`).count(), over ? 0 : 1, p.text);
    await p.close();
    const one = await t.publicPage(lang, `/warnings/${w.number}`);
    assert.ok(one.text.includes(headline[lang]), `the page of the warning: ${one.text}`);
    await one.close();
  }
  for (const feed of ['warnings.atom', 'warnings.rss', 'warnings.edxl']) assert.ok((await (await fetch(`${t.url}/${feed}`)).text()).includes(`${w.number}.${version}`), feed);
  assert.equal((await t.sign()).warnings.filter((x) => x.number === w.number && x.level === level).length, over ? 0 : 1, 'the street displays');
  await t.until(`text message ${version}`, async () => {
    const text = await readFile(path.join(t.data, 'sms.jsonl'), 'utf8').catch(() => '');
    return text.trim().split('\n').filter((l) => l.includes(`/warnings/${w.number}`)).length >= version;
  }, PATIENCE.step);
  assert.equal(sent.data.cap, await t.document(w.number, version), 'the webhook has the document as published');
}

/** What happened after a warning; the public page counts it. */
async function verdict(t, page, w, began) {
  await page.goto(`${t.url}/console/warnings/${w.id}`);
  await page.getByRole('radio', { name: /^It happened/ }).check();
  await page.getByLabel('Since when').fill(new Date(began.getTime() + 8 * 3_600_000).toISOString().slice(0, 16).replace('T', ' '));
  await page.getByLabel('What was seen').fill('Water of more than half a metre at the gauges of the underpasses.');
  await page.locator('form[aria-label=Verdict] button.main').click();
  await page.getByRole('button', { name: 'Change the verdict' }).waitFor();
  const { items } = await t.ask('GET', `/warnings/${w.id}/verdict`);
  assert.equal(items.at(-1).verdict, 'happened');
  for (const [lang, event, hit] of [['en', 'Urban waterlogging', 'Hits'], ['zh-CN', '城市内涝', '命中']]) {
    const p = await t.publicPage(lang, '/warnings/skill');
    const line = p.page.getByRole('row').filter({ hasText: event }).first();
    const text = await line.innerText();
    assert.match(text, new RegExp(`${hit}[^\\d]*1`), text);
    t.log(`skill ${lang}: ${text.replace(/\s+/g, ' ')}`);
    if (lang === 'en') await t.shoot(p.page, 'skill');
    await p.close();
  }
  t.step('the verdict: it happened; hit and lead time stand on the public page');
}

/** Counts what officers press from now on: pointer and keys, each time. */
async function counted(...pages) {
  let n = 0;
  for (const page of pages) {
    await page.exposeFunction('pressed', () => n++);
    await page.evaluate(() => {
      for (const e of ['pointerdown', 'keydown']) addEventListener(e, (x) => x.isTrusted && window.pressed(), true);
    });
  }
  return async () => {
    for (const page of pages) await page.evaluate(() => 0); // what was pressed has been told
    return n;
  };
}

/** The link in the header; the page is not loaded anew. */
const menu = (page, name) => page.getByRole('banner').getByRole('link', { name, exact: true }).click();

await script(import.meta, 'tour-storm', storm);
