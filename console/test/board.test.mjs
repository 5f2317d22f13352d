// The boards of responses in Debian's Chromium against the mock city. Run after `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from './browser.mjs';
import { audit, officers } from './officer.mjs';
import { startMock } from './mock.mjs';

const { officer: signIn } = officers();

async function city(t) {
  const mock = await startMock();
  t.after(() => mock.stop());
  return {
    mock,
    async officer(how = {}) {
      const { page } = await signIn(t, { city: mock, ...how });
      page.open = (path = '') => page.goto(`${mock.url}/console/board${path}`);
      return page;
    },
  };
}

const card = (page, name) => page.getByRole('region', { name });

test('from the proposal to the end: open, acknowledge, raise, advice, end', async (t) => {
  const { mock, officer } = await city(t);
  const page = await officer();
  await page.goto(`${mock.url}/console/`);
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Response' }).click();
  await page.getByRole('heading', { name: 'Proposed: open Level IV response · Flood and joint drainage plan' }).waitFor();
  await page.getByText('Not in the register: Traffic police.').waitFor();
  await page.getByText('No response is under way.').waitFor();
  await page.getByRole('button', { name: 'Open a response…' }).click();
  await until(() => page.getByRole('radio', { name: /Level IV response/ }).isChecked(), true, 'the proposed level is chosen');
  await page.getByRole('button', { name: 'Open Level IV response' }).click();
  await page.getByText('Please fill this in.').waitFor();
  await page.waitForFunction(() => document.activeElement.tagName === 'TEXTAREA');
  await page.getByLabel('Why?').fill('The river rises');
  await page.getByRole('button', { name: 'Open Level IV response' }).click();

  await page.getByRole('heading', { level: 1, name: 'Flood and joint drainage plan' }).waitFor();
  const r = mock.plans.responses[0];
  await page.waitForURL(`**/console/board/${r.id}`);
  const posted = mock.requests.find((q) => q.method === 'POST' && q.path.endsWith('/responses'));
  assert.ok(posted.headers['idempotency-key']);

  // Another desk looks on, and sees what happens here.
  const other = await officer({ as: 'second-officer' });
  await other.open(`/${r.id}`);
  await card(other, 'Drainage company').getByText('not acknowledged').first().waitFor();

  // One click acknowledges.
  await page.getByRole('button', { name: 'Acknowledge: Draw the sewers and sumps down before the rain' }).click();
  await card(page, 'Drainage company').getByText('acknowledged by').waitFor();
  await card(other, 'Drainage company').getByText('acknowledged by').waitFor();
  assert.equal(mock.requests.filter((q) => q.path.endsWith('/acknowledge')).length, 1);

  // Done, with the answer that the plan asks for.
  await page.getByRole('button', { name: 'Done: Draw the sewers and sumps down before the rain' }).click();
  await page.getByText('Done when: Reported').waitFor();
  await page.getByRole('button', { name: 'Say that it is done' }).click();
  await page.getByText('Please fill this in.').waitFor();
  await page.getByLabel('Stations drawn down').fill('12');
  await page.getByRole('button', { name: 'Say that it is done' }).click();
  await card(page, 'Drainage company').getByText('Answer: 12').waitFor();

  // Raise: what is new is given, what no longer applies is withdrawn; an agency that nobody knows shows as a gap.
  await page.getByRole('button', { name: 'Raise or lower…' }).click();
  await page.getByRole('radio', { name: /Raise to Level II/ }).last().check();
  await page.getByText('gives 2 tasks, withdraws 1').waitFor();
  await page.getByLabel('Why?').fill('It grows');
  await page.getByRole('button', { name: 'Change the level' }).click();
  await card(page, 'Traffic police').getByText('Not in the register: its tasks are with the desk').waitFor();
  await card(page, 'Traffic police').getByText('Close each underpass from 25 cm of water on').waitFor();
  await card(page, 'Drainage company').getByText('withdrawn').first().waitFor();
  await page.getByText('IV to II').waitFor();

  // Advice has figures, and becomes a task only by a person.
  const before = r.tasks.length;
  mock.plans.advise(r);
  await page.getByRole('heading', { name: 'Run the pumps of Xicheng' }).waitFor();
  await page.getByText('nothing is carried out by itself').waitFor();
  assert.equal(r.tasks.length, before);
  await page.locator('article').getByLabel('Why?').fill('The crew is there');
  await page.getByRole('button', { name: 'Make it a task' }).click();
  await card(page, 'Drainage company').getByText('Run the pumps of Xicheng: 3 pumps').waitFor();

  // The end asks about each open task.
  await page.getByRole('button', { name: 'End the response…' }).click();
  await page.getByText('tasks are open. Have them done first').waitFor();
  await page.getByLabel('Why?').fill('The water is gone');
  await page.getByRole('button', { name: 'End the response', exact: true }).click();
  await page.getByText('Please fill this in.').first().waitFor();
  for (const box of await page.getByPlaceholder('why it is not needed any more').all()) await box.fill('dry again');
  await page.getByRole('button', { name: 'End the response', exact: true }).click();
  await page.getByText('Ended at II').waitFor();
  await until(() => page.getByRole('button', { name: /^Acknowledge/ }).count(), 0);
  await other.getByText('Ended at II').waitFor();
});

test('a deadline that passes shows without a reload, and late agencies stand first on the wall', async (t) => {
  const { mock, officer } = await city(t);
  const page = await officer({ width: 1920, height: 1080 });
  await page.open();
  await page.getByRole('button', { name: 'Open a response…' }).click();
  await page.getByLabel('Why?').fill('x');
  await page.getByRole('button', { name: 'Open Level IV response' }).click();
  await page.getByRole('heading', { level: 1, name: 'Flood and joint drainage plan' }).waitFor();
  const r = mock.plans.responses[0];
  r.tasks.find((x) => x.name === 'tell').due_at = '2026-11-23T06:00:00.000Z'; // five minutes ago
  mock.emit('case.overdue', { case: r.case, task: r.tasks[0].id });
  await card(page, 'Towns and streets').getByText(/min overdue$/).first().waitFor();
  await page.getByRole('link', { name: 'Wall display' }).click();
  await page.getByRole('link', { name: 'Leave the wall display' }).waitFor();
  await until(() => page.getByRole('banner').count(), 0, 'the wall has no header of the program');
  await until(() => page.getByRole('button').count(), 0, 'nothing can be pressed on the wall');
  const heads = page.locator('.cards h2');
  await until(async () => (await heads.allInnerTexts())[0], /Towns and streets/);
  const order = await heads.allInnerTexts();
  assert.ok(!order.some((o) => /Health/.test(o)), 'who has nothing to do is not on the wall');
  await page.getByText('Live').waitFor();
  mock.cut(true);
  await page.getByText(/Connection lost|cut|Live updates/i).first().waitFor();
});

test('the level that somebody has chosen stays when news of the proposal comes', async (t) => {
  const { mock, officer } = await city(t);
  const page = await officer();
  await page.open();
  await page.getByRole('button', { name: 'Open a response…' }).click();
  await page.getByRole('radio', { name: /Level III response/ }).check();
  await page.getByLabel('Why?').fill('More is coming');
  mock.plans.again();
  await page.getByText('Not in the register: Traffic police.').waitFor({ state: 'detached' }); // the news is there
  assert.equal(await page.getByRole('radio', { name: /Level III response/ }).isChecked(), true);
  await page.getByRole('button', { name: 'Open Level III response' }).click();
  await page.getByRole('heading', { level: 1, name: 'Flood and joint drainage plan' }).waitFor();
  assert.equal(mock.plans.responses[0].level, 'III');
});

test('a proposal is declined with a reason', async (t) => {
  const { mock, officer } = await city(t);
  const page = await officer({ lang: 'zh-CN' });
  await page.open();
  await page.getByRole('heading', { name: '建议启动Ⅳ级响应 · 防汛防台与排水联合调度应急预案' }).waitFor();
  await page.getByRole('button', { name: '暂不启动…' }).click();
  await page.getByRole('button', { name: '不采纳建议' }).click();
  await page.getByText('此项必填。').first().waitFor();
  await page.getByLabel('理由').fill('水位已回落');
  await page.getByRole('button', { name: '不采纳建议' }).click();
  await page.getByText('待决策').waitFor({ state: 'hidden' });
  await until(() => mock.plans.proposals[0].state, 'declined');
});

for (const [lang, theme, width] of [['en', 'dark', 1440], ['zh-CN', 'light', 1440], ['zh-CN', 'light', 390], ['en', 'dark', 390]]) {
  test(`axe finds nothing and nothing is wider than the page: ${lang} ${theme} ${width}`, async (t) => {
    const { mock, officer } = await city(t);
    const page = await officer({ lang, theme, width, height: 900 });
    await page.open();
    await page.getByRole('button', { name: lang === 'en' ? 'Open a response…' : '启动响应…' }).click();
    await page.getByRole('radio').first().waitFor();
    await audit(page, 'the list with a form');
    await page.getByLabel(lang === 'en' ? 'Why?' : '理由').fill('x');
    await page.getByRole('button', { name: lang === 'en' ? 'Open Level IV response' : '确认启动Ⅳ级响应' }).click();
    await page.locator('.cards').waitFor();
    const r = mock.plans.responses[0];
    r.tasks[0].due_at = '2026-11-23T06:00:00.000Z';
    mock.plans.advise(r);
    await page.locator('article h2').waitFor();
    await page.getByRole('button', { name: lang === 'en' ? 'Raise or lower…' : '调整级别…' }).click();
    await page.getByRole('radio').first().waitFor();
    await audit(page, 'the board');
    await page.open(`/${r.id}?wall=1`);
    await page.locator('.cards').waitFor();
    await audit(page, 'the wall');
  });
}
