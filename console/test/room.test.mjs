// The joint room in Debian's Chromium, over a room kept here: what is taken back, and why. Run after `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { focused, until } from './browser.mjs';
import { audit, officers } from './officer.mjs';

const L = (en, zh) => ({ en, 'zh-CN': zh });
const { officer } = officers();

function room() {
  const at = '2026-11-28T18:00:00Z';
  const request = (id, change) => ({ id, what: `Pump trucks ${id}`, kind: 'vehicle', unit: '', quantity: 4, place: 'Harbour Road', needed_by: at, organisation: 2, at, entry: id, cancelled: false, commitments: [], committed: 0, arrived: 0, released: 0, open: 4, ...change });
  return {
    case: { id: 38, kind: 'incident', kind_title: L('Emergency incident', '突发事件'), title: L('Flooded underpass', '下穿隧道积水'), state: 'handling', state_title: L('Being handled', '处置中'), opened_at: at, closed_at: null, level: 'orange', point: [123.5, 31.06] },
    entries: [{ id: 1, at, kind: 'log', by: 5, text: '水泵已到现场', actor: 'Zhou Min' }],
    earlier: false,
    agencies: [{ id: 2, name: L('City emergency bureau', '市应急管理局'), roles: ['owner'], here: true }, { id: 5, name: L('Langang Gas Company', '澜港燃气公司'), roles: ['assist'], here: false }],
    seats: [],
    marks: [{ id: 3, kind: 'cordon', title: L('Cordon', '警戒区'), label: 'North side', shape: { type: 'Polygon', coordinates: [[[123.5, 31.06], [123.51, 31.06], [123.5, 31.07], [123.5, 31.06]]] }, organisation: 2, at, entry: 4 }],
    decisions: [{ id: 1, what: 'Close the underpass', why: 'The water rises', organisation: 2, post: 'command', by: 'Lin Hai', from: at, at, facts: [{ kind: 'alert', id: 118, text: L('Water on the road', '道路积水') }], entry: 5 }],
    objectives: [{ id: 6, text: 'The underpass is dry by six', state: 'current', organisation: 2, at, entry: 6 }],
    requests: [
      request(7, {}),
      request(8, { organisation: 5 }),
      request(9, { commitments: [{ id: 91, organisation: 2, quantity: 2, with: 'Two trucks', eta: null, state: 'committed', entry: 9 }], committed: 2, open: 2 }),
    ],
    reports: [],
    actions: [],
    organisation: 2,
    may_write: true,
    may_decide: true,
    commands: true,
    may_invite: true,
    may_report: true,
  };
}

async function open(t, how) {
  const { mock, page } = await officer(t, how);
  const state = room();
  const posts = [];
  await page.route('**/api/v1/rooms/38', (r) => r.fulfill({ json: state }));
  await page.route('**/api/v1/rooms/38?*', (r) => r.fulfill({ json: state }));
  await page.route('**/api/v1/rooms/38/**', (r) => {
    const path = new URL(r.request().url()).pathname.replace('/api/v1/rooms/38', '');
    const body = r.request().postDataJSON();
    posts.push([path, body]);
    if (path === '/objectives/6/end') state.objectives[0].state = body.how;
    if (path === '/requests/7/cancel') state.requests[0].cancelled = true;
    if (path === '/requests/9/commitments/91/steps') Object.assign(state.requests[2].commitments[0], { state: 'withdrawn' });
    return r.fulfill({ json: { entry: 20, item: 1 } });
  });
  await page.route('**/api/v1/lessons?*', (r) => r.fulfill({ json: { items: [] } }));
  await page.goto(`${mock.url}/console/rooms/38`);
  await page.locator('#room-requests').waitFor();
  return { page, posts };
}

test('a request is cancelled, an objective dropped, a commitment taken back: each with its reason', async (t) => {
  const { page, posts } = await open(t, { width: 1440, height: 900 });
  const item = (text) => page.locator('.side li').filter({ hasText: text }).first();

  const cancel = page.getByRole('button', { name: 'Cancel the request' });
  await until(() => cancel.count(), 1, "not another agency's, and not one that is under way");
  await item('Pump trucks 7').getByRole('button', { name: 'Cancel the request' }).click();
  const form = page.getByRole('form', { name: 'Cancel the request' });
  await form.getByRole('button', { name: 'Cancel the request' }).click();
  await form.getByText('Fill this in').or(form.locator('.problem')).first().waitFor();
  assert.equal(posts.length, 0, 'not without a reason');
  const reason = () => until(async () => (await focused(page)).id, /-reason$/);
  await reason();
  await page.keyboard.type('The river pumps do');
  await page.keyboard.press('Enter');
  await item('Pump trucks 7').getByText('Cancelled').waitFor();

  await item('The underpass is dry by six').getByRole('button', { name: 'Drop', exact: true }).click();
  await reason();
  await page.keyboard.type('Rain goes on');
  await page.keyboard.press('Enter');
  await item('The underpass is dry by six').getByText('Dropped').waitFor();

  await item('Pump trucks 9').getByRole('button', { name: 'Take back' }).click();
  await reason();
  await page.keyboard.type('Needed at the hospital');
  await page.keyboard.press('Enter');
  await item('Pump trucks 9').getByText('Taken back').waitFor();

  assert.deepEqual(posts, [
    ['/requests/7/cancel', { post: '', reason: 'The river pumps do' }],
    ['/objectives/6/end', { how: 'dropped', post: '', reason: 'Rain goes on' }],
    ['/requests/9/commitments/91/steps', { step: 'withdraw', post: '', reason: 'Needed at the hospital' }],
  ]);
});

test('a special report says to whom it goes; no other form asks', async (t) => {
  const { page, posts } = await open(t, { width: 1440, height: 900 });
  const form = page.getByRole('form', { name: 'Make the report' });
  await form.getByLabel('To', { exact: false }).first().fill(' City Party Committee, city government ');
  await form.getByLabel('Copies to').fill('Water authority');
  await form.getByLabel('Form').selectOption('ics-201');
  await until(() => form.getByLabel('Copies to').count(), 0);
  assert.equal(await form.getByText('as its signer').count(), 0);
  await form.getByLabel('Your post').fill('duty officer');
  await form.getByRole('button', { name: 'Make the report' }).click();
  await page.getByText('The report was made of the timeline.').first().waitFor();
  await form.getByLabel('Form').selectOption('zhuanbao');
  assert.equal(await form.getByLabel('Copies to').inputValue(), 'Water authority', 'what was typed is kept');
  await form.getByRole('button', { name: 'Make the report' }).click();
  await until(() => posts.length, 2);
  assert.deepEqual(posts, [
    ['/reports', { form: 'ics-201', post: 'duty officer' }],
    ['/reports', { form: 'zhuanbao', post: 'duty officer', to: 'City Party Committee, city government', copy: 'Water authority' }],
  ]);
});

test('what is wrong with whom a report goes to stands at its field', async (t) => {
  const { page } = await open(t, { lang: 'zh-CN', width: 390, height: 844 });
  await page.route('**/api/v1/rooms/38/reports', (r) => r.fulfill({ status: 422, contentType: 'application/problem+json', json: { code: 'room.too_long', detail: 'at most 80 characters', errors: [{ location: 'body.copy' }], field: 'copy' } }));
  const form = page.getByRole('form', { name: '生成报告' });
  await form.getByLabel('抄送').fill('各区人民政府');
  await form.getByLabel('岗位').fill('值班长');
  await form.getByRole('button', { name: '生成报告' }).click();
  await form.locator('.field').filter({ hasText: '抄送' }).locator('.problem').waitFor();
  await until(() => form.getByLabel('抄送').getAttribute('aria-invalid'), 'true');
});

for (const [lang, theme, width] of [['zh-CN', 'light', 1440], ['en', 'dark', 1440], ['zh-CN', 'dark', 390], ['en', 'light', 390]])
  test(`axe finds nothing and nothing is wider than the page: ${lang} ${theme} ${width}`, async (t) => {
    const { page } = await open(t, { lang, theme, width, height: 844 });
    await page.getByRole('button', { name: /^(Drop|撤销目标)$/ }).click();
    await page.getByRole('button', { name: /^(Cancel the request|取消请求)$/ }).click();
    for (const d of await page.locator('main details > summary').all()) await d.click();
    await audit(page, 'the room');
  });
