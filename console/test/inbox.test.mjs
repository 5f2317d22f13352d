// The inbox in Debian's Chromium against the mock city, on a phone most of all. Run after `npm run build`.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { launch, reader } from './browser.mjs';
import { startMock } from './mock.mjs';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PHONE = { width: 360, height: 740 };
let browser;
const trouble = [];

before(async () => {
  browser = await launch();
});
after(async () => {
  await browser?.close();
  assert.deepEqual(trouble, []);
});

async function city(t) {
  const mock = await startMock();
  const contexts = [];
  t.after(async () => {
    for (const c of contexts) await c.close();
    await mock.stop();
  });
  return {
    mock,
    async officer(how = PHONE, prepare = null) {
      const context = await reader(browser, how);
      contexts.push(context);
      if (prepare) await prepare(context);
      context.on('request', (r) => /^(https?|wss?):/.test(r.url()) && !r.url().startsWith(mock.url) && trouble.push(`request to ${r.url()}`));
      const page = await context.newPage();
      page.on('pageerror', (e) => trouble.push(`${t.name}: ${e.message}`));
      page.on('console', (m) => m.type() === 'error' && /Content Security Policy|Refused to/.test(m.text()) && trouble.push(`${t.name}: ${m.text()}`));
      await page.goto(`${mock.url}/console/sign-in`);
      await page.getByRole('button', { name: /Continue as demo duty officer|以演示值班员/ }).click();
      await page.locator('.rows a').first().waitFor();
      page.open = (query = '') => page.goto(`${mock.url}/console/inbox${query}`);
      return page;
    },
  };
}

const titles = (page) => page.locator('.items .title').allInnerTexts();

test('what waits is on top, and one press acknowledges a task or a notice, in its place', async (t) => {
  const { mock, officer } = await city(t);
  const page = await officer();
  await page.open();
  await page.getByText('3 wait for you').waitFor();
  const before = await titles(page);
  assert.deepEqual(before, ['Send the repair crew and cordon off the place', 'Methane indoors · Restaurant gas alarm 8', 'Look at the valve in chamber 3', 'Close the valve upstream', 'Hazard rectification · Harbour Road']);
  const first = page.locator('.item').first();
  assert.match(await first.innerText(), /over by 2 min|2 min over|overdue/i);
  await page.getByRole('button', { name: 'Acknowledge: Send the repair crew and cordon off the place' }).click();
  await first.getByText(/Acknowledged by/).waitFor();
  assert.equal(mock.requests.filter((r) => /\/cases\/38\/tasks\/31\/acknowledge$/.test(r.path)).length, 1);
  await page.getByRole('button', { name: 'Acknowledge: Methane indoors · Restaurant gas alarm 8' }).click();
  await page.getByText('Nothing is asked of you any more.').waitFor(); // the server no longer lists it
  assert.deepEqual(await titles(page), before, 'no row has moved');
  await page.getByText('1 waits for you').waitFor();
  await page.getByRole('button', { name: 'Read: Hazard rectification · Harbour Road' }).click();
  await page.locator('.item').nth(4).getByText('Nothing is asked of you any more.').waitFor();
});

test('a new notice is counted at once and waits to be shown; under an empty hand it comes by itself', async (t) => {
  const { mock, officer } = await city(t);
  const page = await officer();
  await page.open('?post=gas-office');
  await page.getByText('1 waits for you').waitFor(); // the notice to all
  const began = Date.now();
  mock.inbox.give({});
  await page.getByText('2 wait for you').waitFor();
  t.diagnostic(`shown ${Date.now() - began} ms after the event`);
  assert.ok(Date.now() - began < 1000, `it took ${Date.now() - began} ms`);
  assert.equal((await titles(page)).length, 3, 'the list has not moved');
  await page.getByRole('button', { name: '1 new, show' }).or(page.getByRole('button', { name: /^1 new/ })).click();
  assert.equal((await titles(page))[0], 'Pressure falls · Regulator 2');
  for (const name of [/^Acknowledge: Pressure/, /^Acknowledge: Methane/]) await page.getByRole('button', { name }).click();
  await page.getByText('nothing waits').waitFor();
  mock.inbox.give({ title: { en: 'Water on the road', 'zh-CN': '道路积水' } });
  await page.getByRole('button', { name: 'Acknowledge: Water on the road' }).waitFor();
});

test('a refusal is shown at the item, and a cut line keeps the deed', async (t) => {
  const { mock, officer } = await city(t);
  const page = await officer();
  await page.open();
  await page.getByText('3 wait for you').waitFor();
  mock.inbox.items.splice(mock.inbox.items.findIndex((i) => i.id === 7), 1);
  await page.getByRole('button', { name: /^Acknowledge: Methane/ }).click();
  await page.locator('.item').nth(1).getByText(/no such notice/).waitFor();
});

test('what says the same of many cases is one line, which opens under the hand', async (t) => {
  const { mock, officer } = await city(t);
  const why = { en: 'Case without an owner', 'zh-CN': '案卷无承办单位' };
  for (let n = 1; n <= 6; n++) mock.inbox.give({ about: 'case', on: n, case: n, level: undefined, why, title: { en: `Service request ${n}`, 'zh-CN': `服务请求 ${n}` } });
  const page = await officer();
  await page.open();
  await page.getByText('9 wait for you').waitFor();
  const fold = page.locator('.fold');
  await fold.getByText('3 more of the same').waitFor();
  assert.equal(await page.locator('.items .title', { hasText: 'Service request' }).count(), 3);
  await page.getByRole('button', { name: 'Show 3 more: Case without an owner' }).press('Enter');
  await fold.waitFor({ state: 'detached' });
  assert.equal(await page.locator('.items .title', { hasText: 'Service request' }).count(), 6);
  assert.match(await page.evaluate(() => document.activeElement.textContent), /Service request/, 'the keyboard stays where the line was');
});

test('post and order are in the address, and each is chosen by keyboard', async (t) => {
  const { officer } = await city(t);
  const page = await officer();
  await page.open();
  const choices = await page.locator('main').getByLabel('Post').locator('option').allInnerTexts();
  assert.ok(choices.includes('Gas repair crew') && choices.includes('gas-office'), `posts stand by their titles, one without a title by its id: ${choices.join(', ')}`);
  await page.locator('main').getByLabel('Post').selectOption('gas-crew');
  await page.waitForURL(/post=gas-crew/);
  await page.waitForFunction(() => document.querySelectorAll('.items .item').length === 4);
  await page.getByLabel('Order').selectOption('newest');
  await page.waitForURL(/order=newest/);
  await page.waitForFunction(() => document.querySelector('.items .title').innerText.startsWith('Methane'));
  await page.reload();
  await page.waitForFunction(() => document.querySelector('.items .title')?.innerText.startsWith('Methane'));
  assert.equal(await page.locator('main').getByLabel('Post').inputValue(), 'gas-crew');
  await page.locator('.item .big').first().focus();
  await page.keyboard.press('Enter');
  await page.locator('.item').first().getByText(/Acknowledged by|Nothing is asked/).waitFor();
});

for (const [lang, theme] of [['en', 'light'], ['zh-CN', 'dark'], ['zh-CN', 'light'], ['en', 'dark']])
  for (const width of [360, 1440])
    test(`axe, width and targets: ${lang} ${theme} ${width}`, async (t) => {
      const { officer } = await city(t);
      const page = await officer({ lang, theme, width, height: 740 });
      await page.open();
      await page.locator('.items .item').first().waitFor();
      await page.locator('#push').waitFor();
      await page.evaluate(axeSource);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
      assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), []);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the page');
      const small = await page.evaluate(() => [...document.querySelectorAll('.item button, .choose select, .check.big, .fresh')].map((e) => [e.innerText, e.getBoundingClientRect().height]).filter(([, h]) => h < 44));
      assert.deepEqual(small, []);
    });

test('what nobody has answered is heard on whatever page is open, once for each call', async (t) => {
  const { mock, officer } = await city(t);
  const page = await officer({ width: 1440, height: 900 });
  mock.emit('notice.sounded', { about: 'alert', id: 118, title: { en: 'Methane indoors · Alarm 8', 'zh-CN': '室内甲烷泄漏' }, level: 'orange' });
  await page.locator('[role=alert]', { hasText: 'Nobody has answered: Methane indoors · Alarm 8' }).waitFor({ state: 'attached' });
});

/** A browser that has a push service, which this machine has not. */
async function withPush(context) {
  await context.grantPermissions(['notifications']);
  await context.addInitScript(() => {
    const make = (key) => ({
      endpoint: 'https://push.example/one',
      options: { applicationServerKey: key },
      toJSON: () => ({ endpoint: 'https://push.example/one', keys: { p256dh: 'BPublic', auth: 'secret' } }),
      unsubscribe: async () => (sessionStorage.removeItem('sub'), true),
    });
    PushManager.prototype.subscribe = async function (o) {
      sessionStorage.setItem('sub', '1');
      globalThis.subscribedWith = o;
      return make(o.applicationServerKey.buffer);
    };
    PushManager.prototype.getSubscription = async () => (sessionStorage.getItem('sub') ? make(globalThis.subscribedWith?.applicationServerKey?.buffer ?? null) : null);
  });
}

test('the switch has this browser notified for the post chosen, and takes it back', async (t) => {
  const { mock, officer } = await city(t);
  const page = await officer(PHONE, withPush);
  await page.open('?post=gas-crew');
  const toggle = page.getByRole('switch');
  await toggle.check();
  await page.getByRole('button', { name: 'Notify this device for the post chosen now' }).waitFor();
  assert.deepEqual(mock.inbox.subscriptions, [{ endpoint: 'https://push.example/one', keys: { p256dh: 'BPublic', auth: 'secret' }, organisation: '2', post: 'gas-crew', language: 'en' }]);
  assert.equal(await page.evaluate(() => new Uint8Array(globalThis.subscribedWith.applicationServerKey).length), 65);
  assert.equal(await page.evaluate(async () => (await navigator.serviceWorker.getRegistration('/console/')).active.scriptURL.replace(location.origin, '')), '/console/sw.js');
  await toggle.uncheck();
  await page.getByText('This device is not notified.').waitFor({ state: 'attached' });
  assert.deepEqual(mock.inbox.subscriptions, []);
});

test('the worker shows what is pushed, a later message in place of the one before', async (t) => {
  const { mock, officer } = await city(t);
  const page = await officer(PHONE, withPush);
  await page.open();
  await page.getByRole('switch').check();
  await page.getByRole('button', { name: 'Notify this device for the post chosen now' }).waitFor();
  const cdp = await page.context().newCDPSession(page);
  const registered = new Promise((resolve) => cdp.on('ServiceWorker.workerRegistrationUpdated', (e) => e.registrations.length && resolve(e.registrations[0].registrationId)));
  await cdp.send('ServiceWorker.enable');
  const registrationId = await registered;
  const push = (m) => cdp.send('ServiceWorker.deliverPushMessage', { origin: mock.url, registrationId, data: typeof m === 'string' ? m : JSON.stringify(m) });
  const shown = () => page.evaluate(async () => (await (await navigator.serviceWorker.getRegistration('/console/')).getNotifications()).map((n) => [n.tag, n.title, n.body, n.lang, n.data.link]).sort());
  const expect = async (want) => {
    for (let n = 0; n < 100 && JSON.stringify(await shown()) !== JSON.stringify(want); n++) await page.waitForTimeout(50); // the worker tells nobody when it is done
    assert.deepEqual(await shown(), want);
  };
  const call = { key: 'notice/1/1/push/1', subject: { en: 'Methane indoors', 'zh-CN': '室内甲烷泄漏' }, body: { en: 'Alert to be acknowledged', 'zh-CN': '告警待签收' }, link: '/console/inbox?organisation=2&post=gas-crew', replaces: 'run/1', priority: 2, language: 'zh-CN' };
  await push(call);
  await push(call); // a repeat after a crash of the server
  await expect([['run/1', '室内甲烷泄漏', '告警待签收', 'zh-CN', '/console/inbox?organisation=2&post=gas-crew']]);
  await push({ ...call, key: 'over/1/2/push/1', subject: { en: 'Methane indoors: over', 'zh-CN': '已恢复' }, language: 'en', link: 'https://elsewhere.example/' });
  await expect([['run/1', 'Methane indoors: over', 'Alert to be acknowledged', 'en', '/console/inbox']]);
  await push('not ours');
  await expect([['anlan', 'Anlan 安澜', '', 'en', '/console/inbox'], ['run/1', 'Methane indoors: over', 'Alert to be acknowledged', 'en', '/console/inbox']]);
});
