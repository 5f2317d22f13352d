// The public pages of warnings, as the real server sends them, in Debian's Chromium. Run after `make build`, or with ANLAN naming
// another server's program.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { launch, until } from './browser.mjs';

const program = process.env.ANLAN ?? fileURLToPath(new URL('../../bin/anlan', import.meta.url));
assert.ok(existsSync(program), 'the server is not built: make build');
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let browser, server, folder, url;
const numbers = {};

before(async () => {
  browser = await launch();
  folder = mkdtempSync(`${tmpdir()}/anlan-warnings-`);
  server = spawn(program, ['serve', '--listen', '127.0.0.1:0', '--mqtt', 'off', '--data', folder], { stdio: ['ignore', 'pipe', 'ignore'] });
  url = await new Promise((found, lost) => {
    let text = '';
    server.stdout.on('data', (d) => {
      text += d;
      const m = /http:\/\/127\.0\.0\.1:\d+/.exec(text);
      if (m) found(m[0]);
    });
    server.on('exit', () => lost(new Error(`the server ended: ${text}`)));
  });
  await publish();
});
after(async () => {
  await browser?.close();
  if (server && server.exitCode === null) {
    const ended = new Promise((r) => server.once('exit', r));
    server.kill('SIGTERM');
    await ended;
  }
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function call(headers, method, path, body) {
  const r = await fetch(url + path, { method, headers: { ...headers, ...(body ? { 'Content-Type': typeof body === 'string' ? 'application/x-www-form-urlencoded' : 'application/json' } : {}) }, body: body && (typeof body === 'string' ? body : JSON.stringify(body)) });
  const text = await r.text();
  assert.ok(r.ok, `${method} ${path}: ${r.status} ${text}`);
  return { headers: r.headers, body: text && r.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text };
}

async function officer(local, name) {
  const { link } = (await call(local, 'POST', '/api/v1/accounts', { name, roles: ['duty-officer'], organisation: 0, city_wide: true })).body;
  const password = 'a long and quiet river at night';
  await call({}, 'POST', link, new URLSearchParams({ password, repeat: password }).toString());
  const signed = await call({}, 'POST', '/api/v1/session', { name, password });
  return { Cookie: signed.headers.getSetCookie().map((c) => c.split(';')[0]).join('; ') };
}

/** A city of four districts, a place, and warnings of every kind: in force, to come, ended, and one that is only an exercise. */
async function publish() {
  const local = { Authorization: `Bearer ${readFileSync(`${folder}/local.token`, 'utf8').trim()}` };
  const names = [['Harbour', '港区'], ['Hills', '山区'], ['Old Town', '老城区'], ['Meadows', '草甸区']];
  const polygon = (lon, lat) => ({ type: 'Polygon', coordinates: [[[lon, lat], [lon + 0.12, lat - 0.02], [lon + 0.18, lat + 0.08], [lon + 0.1, lat + 0.15], [lon, lat + 0.12], [lon, lat]]] });
  const put = (as, features) => call(local, 'POST', `/api/v1/city/import?format=geojson&coordinates=wgs84&as=${as}`, { type: 'FeatureCollection', features });
  await put('areas', names.map(([en, zh], i) => ({ type: 'Feature', geometry: polygon(121 + 0.2 * (i % 2), 31 + 0.18 * (i >> 1)), properties: { external_id: `31010${i}`, name_en: en, name_zh: zh, level: 'district' } })));
  await put('places', [{ type: 'Feature', geometry: { type: 'Point', coordinates: [121.06, 31.06] }, properties: { external_id: 'quay-school', name_en: 'Quay School', name_zh: '码头小学' } }]);
  const areas = (await call(local, 'GET', '/api/v1/areas')).body.items;
  const [first, second] = [await officer(local, 'first'), await officer(local, 'second')];
  const issue = async (level, hazard, en, zh, at, more = {}) => {
    const proposal = {
      level, hazard, areas: at.map((i) => areas[i].id), headline: { en, 'zh-CN': zh },
      description: { en: 'A main has broken on Quay Road. Crews are on their way.', 'zh-CN': '码头路一处主管破裂，抢修人员正在赶赴现场。' },
      expires: new Date(Date.now() + 3.1 * 3600e3).toISOString(), ...more,
    };
    const w = (await call(first, 'POST', '/api/v1/warnings', proposal)).body;
    await call(second, 'POST', `/api/v1/warnings/${w.id}/approve`, {});
    return w;
  };
  const red = await issue('red', 'gas-leak', 'Gas leak near the old harbour', '老港区附近发生燃气泄漏', [0]);
  await call(first, 'POST', `/api/v1/warnings/${red.id}/update`, { level: 'red', hazard: 'gas-leak', areas: [areas[0].id, areas[2].id], headline: { en: 'Gas cloud over the old harbour', 'zh-CN': '燃气云团飘向老港区' }, description: { en: 'The wind carries the gas to the old town. Stay indoors with the windows shut.', 'zh-CN': '风将燃气吹向老城区，请留在室内并关闭门窗。' }, expires: new Date(Date.now() + 3.1 * 3600e3).toISOString() });
  await call(second, 'POST', `/api/v1/warnings/${red.id}/approve`, {});
  await issue('orange', 'fire', 'Large fire in a warehouse', '仓库发生火灾', [1]);
  await issue('yellow', 'gas-leak', 'Gas pressure is low', '燃气压力偏低', [2, 3]);
  await issue('blue', 'fire', 'Smoke may drift', '烟雾可能飘散', [3], { onset: new Date(Date.now() + 3600e3).toISOString() });
  const over = await issue('red', 'fire', 'Fire at the depot', '仓储站火灾', [1]);
  await call(second, 'POST', `/api/v1/warnings/${over.id}/all-clear`, { reason: 'The fire is out.' });
  await issue('red', 'fire', 'Only for those who train', '仅供演练人员', [1], { status: 'Exercise' });
  Object.assign(numbers, { red: red.number, over: over.number });
}

async function open(t, path, { lang = 'en', theme = 'light', width = 1280, js = true } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme, javaScriptEnabled: js, locale: lang });
  t.after(() => context.close());
  const page = await context.newPage();
  const foreign = [];
  page.on('request', (r) => r.url().startsWith(url) || r.url().startsWith('data:') || foreign.push(r.url()));
  page.on('console', (m) => m.type() === 'error' && foreign.push(m.text()));
  await page.goto(url + path);
  return { page, foreign };
}

const paths = () => ['/warnings', '/warnings?where=quay', '/warnings?where=nowhere', `/warnings/${numbers.red}`, `/warnings/${numbers.over}`, '/warnings/2020-0001'];
const withQuery = (path, more) => path + (path.includes('?') ? '&' : '?') + more;

for (const lang of ['en', 'zh-CN']) {
  for (const theme of ['light', 'dark']) {
    test(`every page in ${lang}, ${theme}: axe finds nothing, at all sizes`, async (t) => {
      for (const path of paths()) {
        // The narrowest with the largest text is the hardest; the list is looked at in all sizes.
        for (const [width, large] of path === '/warnings' ? [[1280, false], [320, false], [1280, true], [320, true]] : [[320, true]]) {
          const at = withQuery(path, `lang=${lang}${large ? '&text=large' : ''}`);
          // The policy of the page lets no script in, so the checker is put in from outside.
          const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme, bypassCSP: true });
          const page = await context.newPage();
          await page.goto(url + at);
          if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/${lang}-${theme}-${width}${large ? '-large' : ''}${path.replace(/\W+/g, '-')}.png`, fullPage: true });
          await page.evaluate(axeSource);
          const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
          assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), [], at);
          assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${at} is wider than ${width}`);
          assert.equal(await page.evaluate(() => document.documentElement.lang), lang);
          await context.close();
        }
      }
    });
  }
}

test('without a script a resident finds the street, what to do and until when', async (t) => {
  const { page, foreign } = await open(t, '/warnings?lang=en', { js: false });
  const list = await page.locator('article.warning h2').allInnerTexts();
  assert.deepEqual(list, ['Gas cloud over the old harbour', 'Large fire in a warehouse', 'Gas pressure is low', 'Smoke may drift']);
  assert.equal(await page.getByText('Only for those who train').count(), 0);
  assert.match(await page.locator('article').first().innerText(), /Red warning[\s\S]*What to do[\s\S]*Until[\s\S]*ends in about 3 hours/);
  await page.getByRole('img', { name: /^Map of the districts/ }).waitFor();
  await page.getByLabel('Is it my street?').fill('quay school');
  await page.getByRole('button', { name: 'Look it up' }).click();
  const answer = page.getByRole('region', { name: 'Warnings for “quay school”' });
  assert.match(await answer.innerText(), /Quay School in Harbour[\s\S]*Red warning[\s\S]*Gas cloud over the old harbour[\s\S]*Until/);
  await answer.getByRole('link', { name: 'Gas cloud over the old harbour' }).click();
  await page.getByRole('heading', { level: 1, name: 'Gas cloud over the old harbour' }).waitFor();
  assert.match(await page.locator('main ol.past').innerText(), /Updated[\s\S]*Issued[\s\S]*Gas leak near the old harbour/);
  await page.getByRole('link', { name: '简体中文' }).click();
  await page.getByRole('heading', { level: 1, name: '燃气云团飘向老港区' }).waitFor();
  await page.getByRole('link', { name: '查看全部生效预警' }).click();
  await until(() => page.locator('ul.past li').count(), 1);
  await page.getByLabel('所在辖区').selectOption({ label: '山区' });
  await page.getByRole('button', { name: '查看', exact: true }).click();
  await until(() => page.locator('article.warning h2').allInnerTexts(), ['仓库发生火灾']);
  for (const feed of await page.locator('link[rel=alternate]').evaluateAll((all) => all.map((l) => l.href))) {
    assert.equal((await page.request.get(feed)).status(), 200);
  }
  assert.deepEqual(foreign, []);
});
