// The watch at work in Debian's Chromium against the mock city. Run after `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shift } from '../e2e/duty.mjs';
import { focus, focused, until } from './browser.mjs';
import { startMock } from './mock.mjs';
import { audit, officers } from './officer.mjs';

const { officer, browser } = officers();

async function signedIn(t, { mock: options, ...how } = {}) {
  const { page, mock } = await officer(t, how, options);
  page.open = async (path) => {
    await page.goto(`${mock.url}/console/${path}`);
    await page.locator('h1').waitFor();
  };
  return { page, mock };
}

test('a call by keyboard, the reports upward, a handover by two persons, the brief', async (t) => {
  const mock = await startMock();
  t.after(() => mock.stop());
  const lines = [];
  const done = await shift({
    url: mock.url,
    browser: browser(),
    log: (l) => lines.push(l),
    // Something comes while the leaving officer reads.
    overtake: async () => {
      mock.world.duty.open.push({ kind: 'alert', id: 130, title: { en: 'River rises', 'zh-CN': '河道涨水' }, state: { en: 'not acknowledged', 'zh-CN': '待签收' }, level: 'orange' });
    },
    checked: (page) => (page.url().includes('/console/') ? audit(page, page.url()) : undefined),
  });
  t.diagnostic(`a call took ${done.seconds.toFixed(1)} s`);
  const call = mock.world.duty.lines.at(-1);
  assert.deepEqual([call.caller, call.where, call.what, call.harm, call.grade, call.contact], ['resident', 'Fish market, north gate', 'Strong smell of gas, two stalls cleared', 'one person dizzy', 'major', true]);
  const h = mock.world.duty.handovers.at(-1);
  assert.equal(h.state, 'done');
  assert.notEqual(h.left_by, h.arrived_by);
  assert.ok(h.items.some((i) => i.id === 130), 'what came meanwhile was handed over');
  assert.equal(h.items.find((i) => i.kind === 'case' && i.id === done.caseId).remark, 'The gas company has the keys.');
  assert.ok(mock.requests.every((r) => r.method !== 'POST' || r.headers['idempotency-key']));
  assert.equal(lines.length, 10);
});

test('the duty phones: two keys from anywhere, also while the server is away', async (t) => {
  const { page, mock } = await signedIn(t);
  for (const path of ['', 'assets', 'watch', 'duty']) {
    await page.open(path);
    await page.keyboard.press('d');
    const dialog = page.getByRole('dialog', { name: 'Duty phones' });
    await dialog.getByRole('option').first().waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
  }
  // The line is cut: the stream and every request.
  await page.route('**/api/**', (r) => r.abort());
  mock.cut(true);
  await page.getByText(/data as of|no data yet/i).first().waitFor();
  await page.keyboard.press('d');
  const dialog = page.getByRole('dialog', { name: 'Duty phones' });
  await dialog.getByRole('option').first().waitFor();
  await focus(page, 'phones-q');
  await page.keyboard.type('gas 9600');
  await page.keyboard.press('Enter');
  await dialog.getByText('6288 9600 转 21').waitFor();
  const size = await dialog.locator('.digits').evaluate((e) => parseFloat(getComputedStyle(e).fontSize));
  assert.ok(size >= 32, `digits of ${size} px are not big`);
  await audit(page, 'big digits');
  await page.keyboard.press('Escape');
  await focus(page, 'phones-q');
  await page.keyboard.press('ArrowDown');
  await audit(page, 'phones');
  // Typing letters elsewhere opens nothing.
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await page.getByLabel('What has happened').focus();
  await page.keyboard.type('dd');
  await until(() => page.getByLabel('What has happened').inputValue(), 'dd');
  assert.equal(await dialog.isVisible(), false);
});

test('what a call lacks is said at its field; a line is put right by another', async (t) => {
  const { page, mock } = await signedIn(t);
  await page.open('duty');
  await page.getByRole('button', { name: 'Log it and open the incident' }).click();
  await page.getByText('Please fill this in.').nth(1).waitFor();
  await focus(page, 'call-where');
  await page.getByLabel('When').fill('yesterday');
  await page.getByLabel('Where').fill('x');
  await page.getByLabel('What has happened').fill('y');
  await page.keyboard.press('Control+Enter');
  await focus(page, 'call-at');
  await page.getByLabel('When').fill('');
  // A unit is named; only a resident's contact is asked for.
  await page.getByLabel('A unit').check();
  await until(() => page.getByLabel('How the caller is reached').count(), 0);
  await page.getByLabel('Which unit').fill('Harbour police');
  await page.getByLabel('Open an incident').uncheck();
  await page.getByRole('button', { name: 'Write into the log' }).click();
  await page.getByText('Written into the log.').first().waitFor();
  assert.equal(mock.world.duty.lines.at(-1).case, undefined);
  // Where: what the register knows is taken by the arrows.
  await page.getByLabel('Where').fill(mock.city.assets[0].name.en.slice(0, 12));
  await page.getByRole('option').first().waitFor();
  await page.getByLabel('Where').press('ArrowDown');
  await page.getByLabel('Where').press('Enter');
  await page.getByLabel('What has happened').fill('smoke');
  await page.getByLabel('Open an incident').uncheck();
  await page.getByRole('button', { name: 'Write into the log' }).click();
  await until(() => page.getByLabel('What has happened').inputValue(), '');
  assert.ok(mock.world.duty.lines.at(-1).asset > 0);

  await page.getByRole('button', { name: 'Put right: line 1' }).click();
  await page.getByText('A new line is written that puts line 1 right').waitFor();
  await until(() => page.getByLabel('Which unit').inputValue(), 'Langang Gas Company');
  await page.getByLabel('What has happened').fill('supply is low');
  await page.getByRole('button', { name: 'Put right', exact: true }).first().click();
  await page.getByText(/put right by \d+/).waitFor();
  await page.getByText('puts 1 right').waitFor();
});

test('nobody signs what he saw otherwise: what changed is said, before the first signature and between the two', async (t) => {
  const { page, mock } = await signedIn(t);
  const gas = mock.world.duty.open[0];
  await page.open('duty');
  await page.getByRole('button', { name: 'Begin to hand over' }).click();
  await page.getByRole('heading', { level: 1, name: 'Handover' }).waitFor();
  Object.assign(gas, { level: 'yellow' });
  await page.getByRole('button', { name: 'Sign: I hand over' }).click();
  await page.getByText('1 thing has come or changed that you had not seen.').waitFor();
  const row = page.getByRole('listitem').filter({ hasText: 'Methane indoors' });
  await row.getByText('changed since', { exact: true }).waitFor();
  await audit(page, 'changed before the first signature');
  await page.getByRole('button', { name: 'Sign: I hand over' }).click();
  await page.getByText('The leaving officer has signed.').first().waitFor();
  await until(() => page.getByRole('region', { name: /^Changed since/ }).count(), 0);

  // Another officer arrives; the alert worsens before he signs, and once more under his eyes.
  mock.world.duty.handovers.at(-1).left_by = 'Zhou Min';
  Object.assign(gas, { level: 'red', state: { en: 'comes back', 'zh-CN': '再次触发' } });
  for (const [lang, title, was] of [['en', 'Changed since the leaving officer signed', 'When signed:'], ['zh-CN', '交班签字后有变化', '交班时：']]) {
    await page.evaluate((l) => localStorage.setItem('anlan.prefs', JSON.stringify({ ...JSON.parse(localStorage.getItem('anlan.prefs') ?? '{}'), lang: l })), lang);
    await page.reload();
    const part = page.getByRole('region', { name: new RegExp(`^${title}`) });
    await part.waitFor();
    await until(() => part.locator('.was').innerText(), new RegExp(was));
    await audit(page, `changed between the signatures, ${lang}`);
  }
  Object.assign(gas, { state: { en: 'acknowledged', 'zh-CN': '已签收' } });
  await page.getByRole('button', { name: '接班签字' }).click();
  await page.getByText('有 1 项事项新增或有变化，请查阅后重新签字。').waitFor();
  await until(() => page.getByText('有变化', { exact: true }).count(), 1);
  await page.getByRole('button', { name: '接班签字' }).click();
  await page.getByText('交接完成').first().waitFor();
  await page.getByRole('region', { name: /^交班签字后有变化/ }).getByText('已签收').waitFor();
});

test('instructions and the roster', async (t) => {
  const { page, mock } = await signedIn(t);
  await page.open('duty');
  await page.getByRole('button', { name: /^Write down the answer: / }).click();
  await page.getByLabel('What was answered to the leader').fill('Found and mended.');
  await page.getByRole('button', { name: 'Write down the answer', exact: true }).click();
  await page.getByLabel('Why it is answered already').fill('The crew writes its report tomorrow.');
  await page.getByRole('button', { name: 'Write down the answer', exact: true }).click();
  await page.getByText('None waits for an answer.').waitFor();
  assert.equal(mock.world.duty.instructions[0].answer, 'Found and mended.');
  await page.getByRole('button', { name: 'Take an instruction down' }).click();
  await page.getByRole('button', { name: 'Take it down' }).click();
  await focus(page, 'instruct-leader');
  await page.getByLabel("Which leader's post").fill('Mayor');
  await page.getByLabel('What was instructed').fill('Check all stations');
  await page.getByLabel('On which case').selectOption('40');
  await page.getByLabel('Who answers').selectOption({ label: 'Langang Gas Company' });
  await page.getByRole('button', { name: '+2 h', exact: true }).click();
  await audit(page, 'instruction form');
  await page.getByRole('button', { name: 'Take it down' }).click();
  await page.getByText('Check all stations').waitFor();

  await page.open('duty/roster');
  await page.getByText('Nobody from').first().waitFor();
  await page.getByLabel('Unit', { exact: true }).selectOption({ label: 'Langang Gas Company' });
  await page.getByLabel("The office's number").fill('138 1234 5678');
  await page.getByRole('button', { name: 'Save the post' }).click();
  await page.getByText('mobile telephone', { exact: false }).last().waitFor();
  await page.getByLabel("The office's number").fill('6288 7000');
  await page.getByRole('button', { name: 'Save the post' }).click();
  await page.getByText('6288 7000').first().waitFor();
  await audit(page, 'roster');
});

test('an instruction is withdrawn: with its reason, and the hand goes on', async (t) => {
  const { page, mock } = await signedIn(t);
  await page.open('duty');
  const button = page.getByRole('button', { name: 'Withdraw: 分管副市长' });
  const form = page.getByRole('form', { name: 'Withdraw' });
  const reason = () => until(async () => (await focused(page)).id, /-reason$/);
  await button.click();
  await form.getByText('open tasks of the units are taken back', { exact: false }).waitFor();
  await form.getByRole('button', { name: 'Withdraw' }).click();
  await form.getByText('Please fill this in.').waitFor();
  assert.equal(mock.world.duty.instructions[0].state, 'open', 'not without a reason');
  await reason();
  await audit(page, 'withdraw form');
  await form.getByRole('button', { name: 'Cancel' }).click();
  await focus(page, 'withdraw-1');
  // Of the two forms of an instruction only one is open.
  await page.keyboard.press('Enter');
  await form.waitFor();
  await page.getByRole('button', { name: /^Write down the answer: / }).click();
  await form.waitFor({ state: 'detached' });
  await page.getByRole('form', { name: /^Write down the answer: / }).getByRole('button', { name: 'Cancel' }).click();
  await button.click();
  await reason();
  await page.keyboard.type('Given twice by mistake');
  await page.keyboard.press('Enter');
  await page.getByText('None waits for an answer.').waitFor();
  await until(async () => (await page.locator('[aria-live]').allInnerTexts()).some((x) => x.includes('The instruction is withdrawn.')), true);
  await focus(page, 'instruct-take');
  assert.deepEqual([mock.world.duty.instructions[0].state, mock.world.duty.instructions[0].answer], ['withdrawn', 'Given twice by mistake']);
});

for (const [lang, theme, width] of [['zh-CN', 'light', 390], ['zh-CN', 'dark', 1440], ['en', 'dark', 390], ['en', 'light', 1440]])
  test(`the pages are clean: ${lang} ${theme} ${width}`, async (t) => {
    const { page, mock } = await signedIn(t, { lang, theme, width });
    mock.world.duty.handovers.push({ id: 7, state: 'left', begun_at: '2026-11-23T05:00:00Z', begun_by: 'Lin Hai', left_at: '2026-11-23T05:30:00Z', left_by: 'Zhou Min', arrived_at: null, remarks: {}, items: [{ kind: 'case', id: 40, case: 40, title: { en: 'Gas leak', 'zh-CN': '燃气泄漏' }, state: { en: 'On site', 'zh-CN': '现场处置' }, overdue: true, remark: '抢修中' }], sha256: 'cd'.repeat(32) });
    mock.world.duty.reports.push({ id: 3, case: 40, title: { en: 'Gas leak', 'zh-CN': '燃气泄漏' }, report: 'follow-up', number: 2, at: '2026-11-23T05:00:00Z', by: 'Lin Hai', versions: [{ version: 1, at: '2026-11-23T05:00:00Z', by: 'Lin Hai', text: '续报', drafted: true, signed_at: '2026-11-23T05:01:00Z', signed_by: 'Zhou Min' }], tellings: [{ id: 1, version: 1, how: 'fax', to: '市政府总值班室', at: '2026-11-23T05:02:00Z', recorded_at: '2026-11-23T05:02:00Z', by: 'Lin Hai' }] });
    for (const path of ['duty', 'duty/handovers/7', 'duty/reports/3', 'duty/roster', 'duty/rows?figure=incidents/major/new']) {
      await page.open(path);
      await page.locator('.card').first().waitFor();
      await audit(page, path);
      if (lang === 'zh-CN') assert.doesNotMatch(await page.getByRole('main').locator('h1, h2, .btn, label').allInnerTexts().then((x) => x.join(' ').replace(/Ctrl|CSV|UTC/g, '').replace(/\bd\b/g, '')), /[A-Za-z]{3,}/);
    }
  });
