// The inbox in Debian's Chromium against the mock city, on a phone most of all. Run after `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { focused, until, withPush } from './browser.mjs';
import { atWidths, officers } from './officer.mjs';

const PHONE = { width: 360, height: 740 };
const { officer } = officers();

async function inbox(t, query = '', how = PHONE) {
  const { mock, page } = await officer(t, how);
  page.open = (query = '') => page.goto(`${mock.url}/console/inbox${query}`);
  if (query !== null) await page.open(query);
  return { mock, page };
}

const titles = (page) => page.locator('.items .title').allInnerTexts();

test('what waits is on top, and one press acknowledges a task or a notice, in its place', async (t) => {
  const { mock, page } = await inbox(t);
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
  const { mock, page } = await inbox(t, '?post=gas-office');
  await page.getByText('1 waits for you').waitFor(); // the notice to all
  const began = Date.now();
  mock.inbox.give({});
  await page.getByText('2 wait for you').waitFor();
  t.diagnostic(`shown ${Date.now() - began} ms after the event`);
  assert.equal((await titles(page)).length, 3, 'the list has not moved');
  await page.getByRole('button', { name: '1 new, show' }).or(page.getByRole('button', { name: /^1 new/ })).click();
  await until(async () => (await titles(page))[0], 'Pressure falls · Regulator 2');
  for (const name of [/^Acknowledge: Pressure/, /^Acknowledge: Methane/]) await page.getByRole('button', { name }).click();
  await page.getByText('nothing waits').waitFor();
  mock.inbox.give({ title: { en: 'Water on the road', 'zh-CN': '道路积水' } });
  await page.getByRole('button', { name: 'Acknowledge: Water on the road' }).waitFor();
});

test('a refusal is shown at the item, and a cut line keeps the deed', async (t) => {
  const { mock, page } = await inbox(t);
  await page.getByText('3 wait for you').waitFor();
  mock.inbox.items.splice(mock.inbox.items.findIndex((i) => i.id === 7), 1);
  await page.getByRole('button', { name: /^Acknowledge: Methane/ }).click();
  await page.locator('.item').nth(1).getByText(/no such notice/).waitFor();
});

test('what says the same of many cases is one line, which opens under the hand', async (t) => {
  const { mock, page } = await inbox(t, null);
  const why = { en: 'Case without an owner', 'zh-CN': '案卷无承办单位' };
  for (let n = 1; n <= 6; n++) mock.inbox.give({ about: 'case', on: n, case: n, level: undefined, why, title: { en: `Service request ${n}`, 'zh-CN': `服务请求 ${n}` } });
  await page.open();
  await page.getByText('9 wait for you').waitFor();
  const fold = page.locator('.fold');
  await fold.getByText('3 more of the same').waitFor();
  assert.equal(await page.locator('.items .title', { hasText: 'Service request' }).count(), 3);
  await page.getByRole('button', { name: 'Show 3 more: Case without an owner' }).press('Enter');
  await fold.waitFor({ state: 'detached' });
  await until(() => page.locator('.items .title', { hasText: 'Service request' }).count(), 6);
  await until(async () => (await focused(page)).text, /Service request/, 'the keyboard stays where the line was');
});

test('a warning that waits for a second officer leads to it, and a suggestion to where it is decided', async (t) => {
  const { mock, page } = await inbox(t, null);
  const proposed = mock.world.warnings.find((w) => w.state === 'proposed');
  const title = { en: `Warning ${proposed.number} · ${proposed.headline.en}`, 'zh-CN': `预警 ${proposed.number} · ${proposed.headline['zh-CN']}` };
  mock.inbox.give({ about: 'warning', on: proposed.id, level: 'orange', title, why: { en: 'Warning waits for a second officer', 'zh-CN': '预警待审核签发' } });
  mock.inbox.give({ about: 'warning-suggestion', on: 7, level: 'orange', title: { en: 'A warning is suggested: River flood · Gangwan', 'zh-CN': '建议发布预警：洪水 · 港湾区' }, why: { en: 'Suggestion to be decided', 'zh-CN': '预警建议待处理' } });
  await page.open();
  const item = page.locator('.item', { hasText: title.en });
  assert.match(await item.innerText(), /Orange[\s\S]*Warning waits for a second officer/);
  await item.getByRole('link', { name: title.en }).click();
  await page.getByRole('heading', { name: proposed.headline.en }).first().waitFor();
  assert.equal(new URL(page.url()).pathname, `/console/warnings/${proposed.id}`);
  await page.open();
  await page.getByRole('link', { name: 'A warning is suggested: River flood · Gangwan' }).click();
  await page.getByRole('button', { name: /^Dismiss/ }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/console/warnings');
});

test('post and order are in the address, and each is chosen by keyboard', async (t) => {
  const { page } = await inbox(t);
  // Posts stand by their titles, which come by an answer of their own; one without a title, by its id.
  await until(() => page.locator('main').getByLabel('Post').locator('option').allInnerTexts(), ['All posts', 'Gas repair crew', 'gas-office']);
  await page.locator('main').getByLabel('Post').selectOption('gas-crew');
  await page.waitForURL(/post=gas-crew/);
  await page.waitForFunction(() => document.querySelectorAll('.items .item').length === 4);
  await page.getByLabel('Order').selectOption('newest');
  await page.waitForURL(/order=newest/);
  await page.waitForFunction(() => document.querySelector('.items .title')?.innerText.startsWith('Methane'));
  await page.reload();
  await page.waitForFunction(() => document.querySelector('.items .title')?.innerText.startsWith('Methane'));
  assert.equal(await page.locator('main').getByLabel('Post').inputValue(), 'gas-crew');
  await page.locator('.item .big').first().focus();
  await page.keyboard.press('Enter');
  await page.locator('.item').first().getByText(/Acknowledged by|Nothing is asked/).waitFor();
});

for (const [lang, theme] of [['en', 'light'], ['zh-CN', 'dark'], ['zh-CN', 'light'], ['en', 'dark']])
  test(`axe, width and targets: ${lang} ${theme}`, async (t) => {
    const { page } = await inbox(t, '', { lang, theme, width: 360, height: 740 });
    await page.locator('.items .item').first().waitFor();
    await page.locator('#push').waitFor();
    await atWidths(page, 'the inbox', [360, 1440], async () => {
      const small = await page.evaluate(() => [...document.querySelectorAll('.item button, .choose select, .check.big, .fresh')].map((e) => [e.innerText, e.getBoundingClientRect().height]).filter(([, h]) => h < 44));
      assert.deepEqual(small, []);
    });
  });

test('what nobody has answered is heard on whatever page is open, once for each call', async (t) => {
  const { mock, page } = await officer(t);
  await page.open();
  await until(mock.listeners, 1);
  mock.emit('notice.sounded', { about: 'alert', id: 118, title: { en: 'Methane indoors · Alarm 8', 'zh-CN': '室内甲烷泄漏' }, level: 'orange' });
  await page.locator('[role=alert]', { hasText: 'Nobody has answered: Methane indoors · Alarm 8' }).waitFor({ state: 'attached' });
});

test('the switch has this browser notified for the post chosen, and takes it back', async (t) => {
  const { mock, page } = await inbox(t, '?post=gas-crew', { ...PHONE, prepare: withPush });
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
  const { mock, page } = await inbox(t, '', { ...PHONE, prepare: withPush });
  await page.getByRole('switch').check();
  await page.getByRole('button', { name: 'Notify this device for the post chosen now' }).waitFor();
  const cdp = await page.context().newCDPSession(page);
  const registered = new Promise((resolve) => cdp.on('ServiceWorker.workerRegistrationUpdated', (e) => e.registrations.length && resolve(e.registrations[0].registrationId)));
  await cdp.send('ServiceWorker.enable');
  const registrationId = await registered;
  const push = (m) => cdp.send('ServiceWorker.deliverPushMessage', { origin: mock.url, registrationId, data: typeof m === 'string' ? m : JSON.stringify(m) });
  const shown = () => page.evaluate(async () => (await (await navigator.serviceWorker.getRegistration('/console/')).getNotifications()).map((n) => [n.tag, n.title, n.body, n.lang, n.data.link]).sort());
  const expect = (want) => until(shown, want); // the worker tells nobody when it is done
  const call = { key: 'notice/1/1/push/1', subject: { en: 'Methane indoors', 'zh-CN': '室内甲烷泄漏' }, body: { en: 'Alert to be acknowledged', 'zh-CN': '告警待签收' }, link: '/console/inbox?organisation=2&post=gas-crew', replaces: 'run/1', priority: 2, language: 'zh-CN' };
  await push(call);
  await push(call); // a repeat after a crash of the server
  await expect([['run/1', '室内甲烷泄漏', '告警待签收', 'zh-CN', '/console/inbox?organisation=2&post=gas-crew']]);
  await push({ ...call, key: 'over/1/2/push/1', subject: { en: 'Methane indoors: over', 'zh-CN': '已恢复' }, language: 'en', link: 'https://elsewhere.example/' });
  await expect([['run/1', 'Methane indoors: over', 'Alert to be acknowledged', 'en', '/console/inbox']]);
  await push('not ours');
  await expect([['anlan', 'Anlan 安澜', '', 'en', '/console/inbox'], ['run/1', 'Methane indoors: over', 'Alert to be acknowledged', 'en', '/console/inbox']]);
});
