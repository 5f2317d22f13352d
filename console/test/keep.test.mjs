// Recipients, what left, other services and the skill of warnings, in Debian's Chromium against the mock city. Run after `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { focus, until, withPush } from './browser.mjs';
import { audit, fits, officers } from './officer.mjs';

const { officer: signIn } = officers();

/** The demo has no administrator's button, as the server has none; the session is had all the same. */
const someone = (t, as, how = {}) => signIn(t, { as, ...how }, { keeps: true });
const last = (mock, method, path) => mock.requests.filter((r) => r.method === method && path.test(r.path)).at(-1);

test('a recipient is added, and its secret is shown once and copied', async (t) => {
  const { mock, page } = await someone(t, 'administrator');
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.open('warnings/recipients');
  await page.getByRole('heading', { name: 'Recipients (5)' }).waitFor();
  await page.getByRole('button', { name: 'Add a recipient' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Add a recipient' }).click();
  await dialog.getByText('Please fill this in.').nth(2).waitFor();
  await focus(page, 'recipient-title-zh-CN');
  await dialog.getByLabel('Name in Chinese').fill('市图书馆');
  await dialog.getByLabel('Name in English').fill('City library');
  await dialog.getByLabel('Address').fill('ftp://library.example');
  await dialog.getByRole('button', { name: 'Add a recipient' }).click();
  await dialog.getByText('an address begins with https:// or http://').waitFor();
  await dialog.getByLabel('Address').fill('https://library.example/w');
  await dialog.getByLabel('Gangwan').check();
  await dialog.getByLabel('From level').selectOption('yellow');
  await dialog.getByRole('button', { name: 'Add a recipient' }).click();
  await page.getByRole('dialog', { name: 'Secret of City library' }).waitFor();
  await until(() => page.getByLabel('Secret', { exact: true }).inputValue(), 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  await page.getByRole('button', { name: 'Copy', exact: true }).click();
  await page.getByText('Copied.').waitFor();
  await until(() => page.evaluate(() => navigator.clipboard.readText()), 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw');
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await page.getByRole('heading', { name: 'City library' }).waitFor();
  await until(() => page.getByText(/whsec_/).count(), 0, 'shown once');
  assert.deepEqual(mock.kept.recipients.at(-1).areas, [11]);
  assert.equal(mock.kept.recipients.at(-1).from, 'yellow');
});

test('a recipient is changed, switched off and deleted', async (t) => {
  const { mock, page } = await someone(t, 'administrator');
  await page.open('warnings/recipients');
  await page.getByRole('button', { name: 'Change Harbour school office' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Leave it empty to keep https://school.example/warnings.').waitFor();
  await dialog.getByLabel('From level').selectOption('red');
  await dialog.getByLabel('Make a new secret').check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('dialog', { name: 'Secret of Harbour school office' }).waitFor();
  assert.equal(mock.kept.recipients[0].address, 'https://school.example/warnings', 'the address as it is shown is not sent back');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Switch off Harbour school office' }).click();
  await page.getByRole('button', { name: 'Switch on Harbour school office' }).waitFor();
  assert.equal(mock.kept.recipients[0].active, false);
  await page.getByRole('button', { name: 'Delete Harbour school office' }).click();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await page.waitForFunction(() => document.activeElement.getAttribute('aria-label') === 'Delete Harbour school office');
  await page.keyboard.press('Enter');
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('heading', { name: 'Recipients (4)' }).waitFor();
});

test('a browser of an office is taken as a recipient', async (t) => {
  const { mock, page } = await someone(t, 'administrator', { prepare: withPush });
  await page.open('warnings/recipients');
  await page.getByRole('button', { name: 'Add a recipient' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name in Chinese').fill('值班室大屏');
  await dialog.getByLabel('Name in English').fill('Duty room screen');
  await dialog.getByLabel('Channel').selectOption('webpush');
  await dialog.getByRole('button', { name: 'Take this browser' }).click();
  const subscription = { endpoint: 'https://push.example/one', keys: { p256dh: 'BPublic', auth: 'secret' } };
  await until(() => dialog.getByLabel('Address').inputValue(), JSON.stringify(subscription));
  await dialog.getByRole('button', { name: 'Add a recipient' }).click();
  await page.getByRole('heading', { name: 'Duty room screen' }).waitFor();
  assert.equal(mock.kept.recipients.at(-1).channel, 'webpush');
  assert.deepEqual(JSON.parse(mock.kept.recipients.at(-1).address), subscription);
});

test('who is no administrator is told who keeps recipients, and asks for none', async (t) => {
  const { mock, page } = await someone(t, 'duty-officer');
  await page.open('warnings/recipients');
  await page.getByText('Administrators enter and change recipients').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Add a recipient' }).count(), 0);
  assert.equal(last(mock, 'GET', /^\/api.*warnings\/recipients$/), undefined);
  await page.getByRole('link', { name: 'See what was sent' }).click();
  await page.getByRole('heading', { name: 'Warnings sent' }).waitFor();
});

test('what was not delivered stands first, and is sent again or the refusal is read', async (t) => {
  const { mock, page } = await someone(t, 'duty-officer');
  await page.open('warnings/deliveries');
  const dead = page.getByRole('region', { name: 'Not delivered', exact: true }).first();
  await dead.getByText('410 Gone: 10.4.1.7').waitFor();
  await dead.getByText('Port dispatch display').waitFor();
  assert.equal(await page.getByText('410 Gone: 10.4.1.7').count(), 1, 'each message once');
  await page.getByRole('button', { name: 'Send again to City broadcasting station' }).click();
  await page.getByRole('alert').getByText('a newer message of this warning has taken its place').waitFor();
  await page.getByRole('button', { name: 'Send again to Port dispatch display' }).click();
  await page.getByText('Back in line.').first().waitFor();
  assert.ok(last(mock, 'POST', /retry$/).headers['idempotency-key']);
  await page.getByRole('button', { name: /^Waiting 1$/ }).waitFor();
  await page.getByRole('button', { name: /^Not delivered/ }).click();
  await page.waitForURL(/state=dead$/);
  await page.getByRole('link', { name: 'Only warning LG-2026-21' }).first().click();
  await page.waitForURL(/state=dead&warning=LG-2026-21$/);
  await page.reload();
  await page.getByText('Only warning LG-2026-21.').waitFor();
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
});

test('how other services are read, and why a message was refused', async (t) => {
  const { page } = await someone(t, 'duty-officer');
  await page.open('warnings/partners');
  await page.getByText('6 readings in a row have failed').waitFor();
  await until(() => page.locator('section.card h2').first().innerText(), /Marine/, 'whom nobody should rely on stands first');
  assert.equal(await page.getByRole('button', { name: /^Read now/ }).count(), 0);
  await until(() => page.locator('.rows .title').first().innerText(), /Orange rainstorm warning/, 'in force first');
  await page.getByRole('link', { name: 'Refused, City weather service: 1' }).click();
  await page.waitForURL(/partner=1&show=refused$/);
  await page.waitForFunction(() => document.querySelectorAll('.rows li').length === 1);
  await page.locator('.rows a').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Why it was refused').waitFor();
  await dialog.getByText('the signature does not verify').waitFor();
  await dialog.getByText('<identifier>urn:oid:2.49.0.1.156.204</identifier>').waitFor();
  await dialog.getByText('It is not in force here').waitFor();
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => !location.search.includes('sel=') && document.activeElement.id === 'row-received-204');
});

test('an administrator registers a service, reads it, switches it off and changes it', async (t) => {
  const { mock, page } = await someone(t, 'administrator');
  await page.open('warnings/partners');
  await page.getByRole('button', { name: 'Add a service' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name in Chinese').fill('省水文局');
  await dialog.getByLabel('Address of its feed').fill('hydro');
  await dialog.getByLabel('By what it is trusted').selectOption('signed');
  await dialog.getByRole('button', { name: 'Add a service' }).click();
  await dialog.getByText('Please fill this in.').waitFor();
  await focus(page, 'partner-pinned');
  await dialog.getByLabel('By what it is trusted').selectOption('transport');
  await dialog.getByRole('button', { name: 'Add a word' }).click();
  await dialog.getByLabel('Their word 1').fill('Hochwasser');
  await dialog.getByLabel('Hazard for word 1').selectOption('flood');
  await dialog.getByRole('button', { name: 'Add a service' }).click();
  await dialog.getByText('is not an address such as').waitFor();
  await dialog.getByLabel('Address of its feed').fill('https://hydro.example/feed');
  await dialog.getByRole('button', { name: 'Add a service' }).click();
  await page.getByRole('heading', { name: /省水文局/ }).waitFor();
  assert.deepEqual(mock.kept.partners.at(-1).events, { Hochwasser: 'flood' });
  await page.getByRole('button', { name: 'Read now: Marine forecasting station' }).click();
  await page.getByText('Read.', { exact: true }).first().waitFor();
  await page.waitForFunction(() => !document.body.innerText.includes('6 readings in a row'));
  await page.getByRole('button', { name: 'Switch off Marine forecasting station' }).click();
  await page.getByRole('button', { name: 'Switch on Marine forecasting station' }).waitFor();
  await page.getByRole('button', { name: 'Change City weather service' }).click();
  await dialog.getByLabel('Read every … seconds').fill('5');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByText('30 to 86,400 seconds.').waitFor();
  await dialog.getByLabel('Read every … seconds').fill('120');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(mock.kept.partners[0].every, 120);
});

test('verdicts that are owed, figures, the list behind a figure, and a missed danger', async (t) => {
  const { page } = await someone(t, 'duty-officer');
  await page.open('warnings/skill');
  await page.getByText('1 overdue').waitFor();
  await until(() => page.locator('.rows .title').first().innerText(), /Yellow flood warning/, 'overdue first');
  assert.match(await page.locator('.rows a').first().getAttribute('href'), /sel=warning:9|sel=warning%3A9/);
  await page.getByRole('link', { name: 'Hits: 2, All hazards', exact: true }).click();
  await page.getByRole('heading', { name: 'Hits: All hazards (2)' }).waitFor();
  await focus(page, 'skill-behind');
  await page.getByText('One street only.').waitFor();
  await page.getByRole('link', { name: 'Missed: 1, River flood', exact: true }).click();
  await page.getByRole('heading', { name: 'Missed: River flood (1)' }).waitFor();
  await page.waitForURL(/figure=missed&hazard=flood$/);
  await page.getByRole('button', { name: 'Note a missed danger' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Note it' }).click();
  await dialog.getByText('Please fill this in.').nth(5).waitFor();
  await dialog.getByLabel('Hazard').selectOption('flood');
  await dialog.getByLabel('Level a warning should have had').selectOption('orange');
  await dialog.getByLabel('Haibin').check();
  await dialog.getByLabel('When it began').fill('2026-11-24 10:00');
  await dialog.getByLabel('What happened').fill('The quay was under water.');
  await dialog.getByLabel('How it is known').fill('Case 38');
  await dialog.getByRole('button', { name: 'Note it' }).click();
  await dialog.getByText('This time is still to come.').waitFor();
  await dialog.getByLabel('When it began').fill('2026-11-22 10:00');
  await dialog.getByRole('button', { name: 'Note it' }).click();
  await page.getByRole('heading', { name: 'Missed: River flood (2)' }).waitFor();
  await page.getByRole('button', { name: '30 days' }).click();
  await page.getByRole('heading', { name: 'Missed: River flood (1)' }).waitFor();
  await page.waitForURL(/span=month/);
});

test("others' warnings stand in the warnings' list, marked as theirs, and are there the moment they come", async (t) => {
  const { mock, page } = await someone(t, 'duty-officer');
  await page.open('?tab=warnings');
  const list = page.getByRole('list', { name: 'Of other services, passed on' });
  await list.getByText('theirs, passed on').first().waitFor();
  await until(() => list.locator('li').count(), 2);
  await list.getByText('No level stated').waitFor();
  await page.getByRole('button', { name: 'Red' }).click();
  await list.waitFor({ state: 'detached' });
  await page.open('?tab=warnings');
  await list.locator('a').first().click();
  await page.waitForURL(/sel=relayed(:|%3A)202/);
  const drawer = page.getByRole('complementary');
  await drawer.getByText('Issued by City weather service.').waitFor();
  await drawer.getByText('Stay indoors and away from low ground.').waitFor();
  await until(() => drawer.getByRole('button').count(), 1, 'nothing can be done with it but to close it');
  mock.kept.received.push({ ...mock.kept.received[2], id: 210, level: 'red', texts: { en: { event: 'Gale', headline: 'Red gale warning' } } });
  mock.emit('relay.issued', { relay: 210, message: 210 });
  await list.getByText('Red gale warning').waitFor();
  await until(() => list.locator('.title').first().innerText(), /Red gale/);
  await page.keyboard.press('Escape');
  await focus(page, 'row-relayed-202');
});

test('on a narrow screen nothing scrolls sideways but the tables', async (t) => {
  const { page } = await someone(t, 'administrator', { width: 390, height: 844 });
  for (const path of ['warnings/recipients', 'warnings/deliveries', 'warnings/partners', 'warnings/partners?sel=204', 'warnings/skill?figure=issued']) {
    await page.open(path);
    await page.locator('.rows li, tbody tr').first().waitFor();
    if (path.includes('sel')) await page.locator('dialog pre').waitFor();
    assert.ok(await fits(page), path);
  }
});

for (const [theme, lang] of [['light', 'en'], ['dark', 'zh-CN'], ['dark', 'en'], ['light', 'zh-CN']])
  test(`axe finds nothing: ${theme}, ${lang}`, async (t) => {
    const { page } = await someone(t, 'administrator', { theme, lang });
    for (const path of ['warnings/recipients', 'warnings/deliveries', 'warnings/partners', 'warnings/skill?figure=issued']) {
      await page.open(path);
      await page.locator('.rows li, tbody tr').first().waitFor();
      if (path.includes('deliveries')) await page.getByText(/Port dispatch display|港口调度大屏/).first().waitFor();
      if (path.includes('figure')) await page.locator('#skill-behind').waitFor();
      await audit(page, path);
    }
    for (const path of ['warnings/recipients', 'warnings/partners']) {
      await page.open(path);
      await page.locator('.head button').click();
      await page.locator('dialog form').waitFor();
      await page.locator('dialog form .btn.main').click();
      await page.locator('dialog .problem').first().waitFor();
      await audit(page, `${path}, its form`);
    }
    await page.open('warnings/partners?sel=204');
    await page.locator('dialog pre').waitFor();
    await audit(page, 'a refused message');
    await page.open('?tab=warnings&sel=relayed:202');
    await page.locator('aside .theirs').waitFor();
    await audit(page, "another service's warning in the drawer");
  });
