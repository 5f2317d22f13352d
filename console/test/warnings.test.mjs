// Warnings in Debian's Chromium against the mock city: the list, the composer, one warning, by hand and by keyboard. Run after `npm run build`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { focused, until } from './browser.mjs';
import { atWidths, officers } from './officer.mjs';

const { officer } = officers();
const part = (page, name) => page.getByRole('region', { name });
const heads = (page) => page.locator('.warnings h2').allInnerTexts();

/** A second officer at the same city. */
const second = async (t, city) => (await officer(t, { as: 'second-officer', city })).page;
const value = (page, label) => page.getByLabel(label, { exact: true }).inputValue();

test('from a suggestion to publication in at most 8 actions', async (t) => {
  const { mock, page } = await officer(t);
  let actions = 0;
  const press = async (locator) => {
    actions++;
    await locator.click();
  };
  await page.goto(`${mock.url}/console/warnings`);
  const suggested = part(page, /^Suggested by detectors/);
  await suggested.getByText(/4.31 m, guard level 4.2 m/).waitFor(); // what it rests on stands beside it
  await press(suggested.getByRole('link', { name: 'River flood, orange level, in Gangwan' }));
  await page.waitForFunction(() => document.querySelector('[id="warning-headline.en"]')?.value === 'River flood, orange level, in Gangwan');
  await until(() => page.getByRole('radio', { name: 'Orange warning' }).isChecked(), true);
  await until(() => page.getByRole('checkbox', { name: 'Gangwan' }).isChecked(), true);
  assert.equal(await page.getByLabel('Headline, in Chinese', { exact: true }).inputValue(), '港湾区洪水橙色预警');
  assert.match(await page.getByLabel('What is happening, in English', { exact: true }).inputValue(), /above its warning mark: 4.31 m/);
  assert.equal(await page.getByLabel('Valid until').inputValue(), '2026-11-23 20:05');
  await part(page, 'What lies inside').getByText('Schools').waitFor();
  await page.getByText("The message as others' systems read it").waitFor(); // it would be valid
  const asked = (path) => mock.requests.filter((r) => r.path === `/api/v1/warnings/${path}`).length;
  for (const path of ['inside', 'preview']) assert.ok(asked(path) >= 1 && asked(path) <= 2, `${path} was asked for ${asked(path)} times`);
  assert.equal(asked('draft'), 0, 'what is suggested is filled already: its words do not change under the eye');
  await press(page.getByRole('button', { name: 'Propose the warning' }));
  await page.getByRole('complementary').getByText('Waiting for approval').waitFor();
  const w = mock.world.warnings.at(-1);
  assert.deepEqual([w.state, w.status, w.alerts, w.areas.map((a) => a.id)], ['proposed', 'Actual', [115], [11]]);
  assert.equal(mock.warned.suggestions.length, 0);

  const other = await second(t, mock);
  await other.goto(`${mock.url}/console/warnings`);
  await press(part(other, /^Waiting for a second officer/).getByRole('link', { name: 'River flood, orange level, in Gangwan' }));
  await press(other.getByRole('button', { name: 'Approve and issue' }));
  await other.getByText('In force', { exact: true }).first().waitFor();
  assert.equal(w.state, 'issued');
  t.diagnostic(`${actions} actions`);
  assert.ok(actions <= 8, `${actions} actions`);
});

test('an area is drawn by keyboard alone, and the numbers are its equal twin', async (t) => {
  const { mock, page } = await officer(t);
  await page.goto(`${mock.url}/console/warnings/new`);
  await page.locator('.maplibregl-canvas').waitFor();
  await page.getByRole('radio', { name: 'Orange warning' }).focus();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Draw an area' }).focus();
  await page.keyboard.press('Enter');
  const pad = page.getByRole('application', { name: 'Drawing by keyboard' });
  await pad.waitFor();
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'application');
  const keys = async (...all) => {
    for (const k of all) await page.keyboard.press(k);
  };
  await keys('Enter', 'ArrowRight', 'ArrowRight', 'Enter', 'ArrowUp', 'ArrowUp', 'Enter', 'ArrowLeft', 'ArrowLeft', 'Enter');
  await page.getByText(/^Cross at .*; 4 points$/).waitFor();
  await page.getByText('0.04 km²').waitFor();
  // A point is chosen, moved and removed.
  await keys('n', 'ArrowDown', 'Enter', 'p', 'Delete');
  await page.getByText(/; 3 points$/).waitFor();
  await until(() => page.getByRole('textbox', { name: /^Point \d, latitude/ }).count(), 3);
  // The twin: a row is typed, and one is added.
  const first = page.getByRole('textbox', { name: 'Point 1, latitude and longitude' });
  const [lat, lon] = (await first.inputValue()).split(', ').map(Number);
  await page.getByLabel('Another point').fill(`${(lat + 0.004).toFixed(5)}, ${(lon - 0.001).toFixed(5)}`);
  await keys('Enter');
  await until(() => page.getByRole('textbox', { name: /^Point \d, latitude/ }).count(), 4);
  await first.fill(`${(lat - 0.001).toFixed(5)}, ${lon.toFixed(5)}`);
  await page.getByLabel('Name in English').fill('Fish market');
  await page.getByLabel('Name in Chinese').fill('鱼市');
  await page.getByRole('button', { name: 'Take this area' }).focus();
  await keys('Enter');
  const list = page.getByRole('list', { name: 'Drawn areas' });
  await list.getByText('Fish market').waitFor();
  await page.waitForFunction(() => document.activeElement?.textContent.trim() === 'Draw an area');
  await page.waitForFunction(() => document.querySelector('#warning-inside')?.parentElement.textContent.includes('Schools'));
  // And it is what is proposed.
  await page.getByLabel('Hazard').selectOption('flood');
  await page.waitForFunction(() => document.querySelector('[id="warning-headline.en"]')?.value === 'River flood, orange level, in Fish market');
  await page.getByLabel('What is happening, in English', { exact: true }).fill('The river is over its mark.');
  await page.getByLabel('What is happening, in Chinese', { exact: true }).fill('河道水位超警戒。');
  await page.getByRole('button', { name: 'Propose the warning' }).focus();
  await keys('Enter');
  await page.getByRole('complementary').getByText('Waiting for approval').waitFor();
  const [area] = mock.world.warnings.at(-1).areas;
  assert.equal(area.rings[0].length, 5);
  assert.ok(Math.abs(area.rings[0][0][1] - (lat - 0.001)) < 1e-6);
});

test('a crossed outline is not taken, and a point of the map is one press', async (t) => {
  const { mock, page } = await officer(t);
  await page.goto(`${mock.url}/console/warnings/new`);
  await page.getByRole('button', { name: 'Draw an area' }).click();
  await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'application');
  const another = page.getByLabel('Another point');
  for (const p of ['31.06, 123.53', '31.07, 123.54', '31.06, 123.54', '31.07, 123.53']) {
    await another.fill(p);
    await page.keyboard.press('Enter');
  }
  await page.getByText('The outline crosses itself').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Take this area' }).getAttribute('aria-disabled'), 'true');
  await page.getByRole('button', { name: 'Remove point 4' }).click();
  await page.locator('.maplibregl-canvas').click({ position: { x: 60, y: 60 } });
  await page.waitForFunction(() => document.querySelectorAll('.boxed tbody tr').length === 4);
});

test('a text fills what is not changed, says what is, and is taken anew when asked', async (t) => {
  const { mock, page } = await officer(t);
  await page.goto(`${mock.url}/console/warnings/new`);
  await page.getByRole('checkbox', { name: 'Gangwan' }).check();
  await page.getByRole('radio', { name: 'Yellow warning' }).check();
  assert.equal(await page.getByLabel('Hazard').locator('option', { hasText: 'Rainstorm' }).count(), 0, 'weather warnings are not composed here');
  await page.getByLabel('Hazard').selectOption('flood');
  const head = page.getByLabel('Headline, in English', { exact: true });
  const is = (text) => page.waitForFunction((want) => document.querySelector('[id="warning-headline.en"]').value === want, text);
  await is('River flood, yellow level, in Gangwan');
  await head.fill('The river is over its banks in Gangwan');
  await page.getByText('Changed by you.').waitFor();
  await page.getByText('1 field is in your words and stays as it is.').waitFor();
  await page.getByRole('checkbox', { name: 'Haibin' }).check();
  await page.waitForFunction(() => document.querySelector('[id="warning-headline.zh-CN"]').value.includes('海滨区、港湾区'));
  assert.equal(await head.inputValue(), 'The river is over its banks in Gangwan');
  // A reload loses nothing.
  await page.reload();
  await page.getByText('Kept from before, as you left it.').waitFor();
  assert.equal(await head.inputValue(), 'The river is over its banks in Gangwan');
  assert.equal(await page.getByRole('checkbox', { name: 'Haibin' }).isChecked(), true);
  await page.getByRole('button', { name: 'Take the text anew: Headline, in English' }).click();
  await is('River flood, yellow level, in Haibin and Gangwan');
  // A blank that nothing fills never goes out.
  assert.match(await page.getByLabel('What is happening, in English', { exact: true }).inputValue(), /\{\{asset\}\}/);
  await page.getByRole('button', { name: 'Propose the warning' }).click();
  await page.locator('#warning-problems').getByText('A blank is not filled yet: {{asset}}').first().waitFor();
  await page.getByRole('button', { name: 'Begin again' }).click();
  await until(() => head.inputValue(), '');
});

test('who may not publish hears it at the field before anybody is asked; an exercise bears its mark', async (t) => {
  const { mock, page } = await officer(t);
  await page.goto(`${mock.url}/console/warnings/new?alert=115`);
  await page.getByText('River above the guard level').first().waitFor();
  await page.getByLabel('Hazard').selectOption('flood');
  await page.getByRole('radio', { name: 'Red warning' }).check();
  await page.locator('fieldset', { hasText: 'Level' }).first().getByText('red flood warnings are published by the inspector').waitFor();
  await page.getByRole('radio', { name: 'Blue warning' }).check();
  await page.getByRole('radio', { name: 'Exercise' }).check();
  await until(() => page.getByText('EXERCISE EXERCISE').count(), 2, 'above the form and on the English sheet');
  await until(() => page.getByText('演练 演练 演练').count(), 1);
  await page.getByRole('button', { name: 'Propose the warning' }).click();
  await page.getByRole('complementary').getByText('EXERCISE EXERCISE').waitFor();
  assert.equal(mock.world.warnings.at(-1).status, 'Exercise');
});

/** Holds back what is asked of one address until the test lets it go: a server that is slower than the officer. */
async function held(page, path) {
  let waiting = [];
  await page.route(path, (r) => (waiting ? void waiting.push(r) : r.continue()));
  return {
    come: () => until(() => waiting.length > 0, true),
    async letGo() {
      const all = waiting;
      waiting = null;
      for (const r of all) await r.continue();
    },
  };
}

/** A composer whose words a text of the pack has filled for yellow. */
async function yellow(page) {
  await page.open('warnings/new');
  await page.getByRole('checkbox', { name: 'Gangwan' }).check();
  await page.getByRole('radio', { name: 'Yellow warning' }).check();
  await page.getByLabel('Hazard').selectOption('flood');
  await page.getByLabel('Text', { exact: true }).selectOption({ label: 'Flood wave on its way' });
  await until(() => value(page, 'Headline, in English'), 'High water expected in Gangwan, yellow level');
}

test('a hurried press proposes the words of the level just chosen, and proposes once', async (t) => {
  const { mock, page } = await officer(t);
  await yellow(page);
  const drafts = await held(page, '**/warnings/draft');
  await page.getByRole('radio', { name: 'Blue warning' }).check();
  const propose = page.getByRole('button', { name: 'Propose the warning' });
  const proposed = () => mock.requests.filter((r) => r.method === 'POST' && r.path === '/api/v1/warnings').length;
  await propose.click();
  await drafts.come();
  assert.equal(await propose.getAttribute('aria-disabled'), 'true');
  await propose.click({ force: true });
  assert.equal(proposed(), 0, 'the words are those of the level before');
  await drafts.letGo();
  await page.getByRole('complementary').getByText('High water expected in Gangwan, blue level').first().waitFor();
  assert.deepEqual([mock.world.warnings.at(-1).level, mock.world.warnings.at(-1).headline.en], ['blue', 'High water expected in Gangwan, blue level']);
  assert.equal(proposed(), 1);
});

test('what would fill the words refuses: that is said, and nothing is proposed', async (t) => {
  const { mock, page } = await officer(t);
  await yellow(page);
  await page.getByRole('radio', { name: 'Red warning' }).check();
  await page.getByRole('button', { name: 'Propose the warning' }).click();
  await page.locator('#warning-problems').getByText('red flood warnings are published by the inspector').waitFor();
  await until(async () => (await focused(page)).id, 'warning-problems');
  assert.equal(mock.requests.filter((r) => r.method === 'POST' && r.path === '/api/v1/warnings').length, 0);
});

test('the form is there once its draft is: nothing that is written into it is replaced', async (t) => {
  const { mock, page } = await officer(t);
  const alerts = await held(page, '**/api/v1/alerts/115');
  await page.goto(`${mock.url}/console/warnings/new?alert=115`);
  await alerts.come();
  await page.getByText('Loading…').waitFor();
  assert.equal(await page.getByRole('radio').count(), 0);
  await alerts.letGo();
  await until(() => page.getByRole('radio', { name: 'Yellow warning' }).isChecked(), true);
});

test('around an asset, by search and metres', async (t) => {
  const { mock, page } = await officer(t);
  await page.goto(`${mock.url}/console/warnings/new`);
  await page.getByText('Add a band around an asset').click();
  await page.getByLabel('Metres').fill('5');
  await page.getByText('10 to 50,000 metres.').waitFor();
  await page.getByLabel('Metres').fill('800');
  await page.getByLabel('Asset', { exact: true }).fill('gauge');
  await page.getByRole('list', { name: 'Found' }).or(page.locator('details ul')).getByRole('button').first().click();
  await page.getByRole('list', { name: 'Around assets' }).getByText('800 m around').waitFor();
  await page.getByRole('button', { name: /^Remove the band around/ }).click();
  await page.getByRole('list', { name: 'Around assets' }).waitFor({ state: 'detached' });
});

test('an upgrade starts from what is in force, says what changes, and another officer approves it; then all clear and a verdict', async (t) => {
  const { mock, page } = await officer(t);
  mock.world.warnings.find((w) => w.id === 21).hazard = 'flood';
  await page.goto(`${mock.url}/console/warnings/21`);
  await page.getByText('City operators').waitFor();
  const told = await page.locator('section', { hasText: 'Who was told' }).locator('li').allInnerTexts();
  assert.match(told[0], /Port authority.*\n.*Given up.*12 attempts/s);
  assert.match(told[1], /Gangwan street displays.*\n.*Failed, tried again.*4 attempts/s);
  await page.getByRole('button', { name: 'Send again: Port authority' }).click();
  await page.locator('section', { hasText: 'Who was told' }).getByText('Waiting').first().waitFor();
  await until(() => mock.warned.deliveries.find((d) => d.delivery === 94).state, 'waiting');
  await page.getByRole('link', { name: 'Update, upgrade or downgrade' }).click();
  await page.getByText('Nothing yet.').waitFor();
  await until(() => value(page, 'Headline, in English'), 'Yellow rainstorm warning for Haibin and Gangwan');
  await page.getByRole('radio', { name: 'Orange warning' }).check();
  await page.getByRole('heading', { name: 'Upgrade of warning LG-2026-21' }).waitFor();
  await part(page, 'What changes').getByText(/Level: Yellow → Orange/).waitFor();
  await page.getByText('The level is another, the texts are not yet.').waitFor();
  await page.getByLabel('Headline, in English', { exact: true }).fill('Orange flood warning for Haibin and Gangwan');
  await page.getByRole('button', { name: 'Propose the upgrade' }).click();
  await page.getByRole('complementary').getByText('Orange flood warning for Haibin and Gangwan').waitFor();

  const other = await second(t, mock);
  await other.goto(`${mock.url}/console/warnings`);
  await part(other, /^In force/).getByText('Upgrade waits for a second officer').waitFor();
  await part(other, /^In force/).getByRole('link', { name: /Yellow rainstorm/ }).click();
  await other.getByRole('button', { name: 'Approve and issue' }).click();
  await other.getByRole('heading', { name: 'Orange flood warning for Haibin and Gangwan' }).waitFor();
  await other.locator('ol li', { hasText: 'Upgrade' }).getByText('Orange').waitFor();
  await other.getByText('End the warning').click();
  await other.getByLabel('Reason').fill('The water has gone down.');
  await other.getByRole('button', { name: 'The danger is over' }).press('Enter');
  await other.locator('ol li', { hasText: 'All clear' }).waitFor();
  await other.getByRole('radio', { name: /^Partly/ }).check();
  await other.getByRole('button', { name: 'Record the verdict' }).or(other.locator('form[aria-label=Verdict] button.main')).click();
  await other.getByText('Say when it began').waitFor();
  await other.getByLabel('Since when').fill('2026-11-23 13:30');
  await other.getByLabel('What was seen').fill('Water on two roads, not in the houses.');
  await other.locator('form[aria-label=Verdict] button.main').click();
  await other.getByRole('button', { name: 'Change the verdict' }).waitFor();
  const w = mock.world.warnings.find((w) => w.id === 21);
  assert.deepEqual([w.verdicts[0].verdict, w.verdicts[0].began, w.end_kind], ['partly', '2026-11-23T05:30:00.000Z', 'all-clear']);
});

test('the list: its order, its address, and that nothing moves under the hand', async (t) => {
  const { mock, page } = await officer(t);
  await page.goto(`${mock.url}/console/warnings`);
  await page.locator('.warnings li').first().waitFor();
  await until(async () => (await heads(page)).map((h) => h.replace(/ \d+$/, '')), ['Waiting for a second officer', 'Suggested by detectors', 'In force', 'Of partners, relayed', 'Over, verdict to be given', 'Over']);
  await part(page, /^Of partners/).getByText('Issued by Weather service').waitFor();
  assert.equal(await part(page, /^Of partners/).getByRole('button').count(), 0, 'theirs are read only');
  await part(page, /^In force/).getByText(/4 h (50|49) min left/).waitFor();
  // j and k walk over all parts, Enter opens.
  await page.keyboard.press('j');
  await until(async () => (await focused(page)).text, /Orange gas warning/);
  await page.keyboard.press('j');
  await until(async () => (await focused(page)).text, /River flood, orange/);
  await page.keyboard.press('k');
  // Somebody else approves meanwhile: the row stays, and says so.
  const rows = () => page.locator('.warnings .title').allInnerTexts();
  const before = await rows();
  Object.assign(mock.world.warnings.find((w) => w.id === 22), { state: 'issued', approved_by: 'Lin Hai', sent: '2026-11-23T06:05:00Z' });
  mock.emit('warning.issued', { warning: 22 });
  await part(page, /^Waiting for a second officer/).getByText('In force', { exact: true }).waitFor();
  assert.deepEqual(await rows(), before);
  mock.warned.suggestions.push({ ...mock.warned.suggestions[0], id: 8, level: 'yellow', areas: [{ id: 10, name: { en: 'Haibin', 'zh-CN': '海滨区' } }] });
  mock.emit('warning.suggested', { suggestion: 8 });
  await page.getByRole('button', { name: '1 new, show it' }).waitFor();
  assert.deepEqual(await rows(), before);
  await page.getByRole('button', { name: '1 new, show it' }).click();
  await part(page, /^In force/).getByText('Orange gas warning for Gangwan').waitFor();
  // The view is in the address.
  await page.locator('.filters input[type=search]').fill('海滨区');
  await page.waitForURL(/q=/);
  await page.locator('.filters select').first().selectOption('suggested');
  await page.waitForURL(/part=suggested/);
  await page.reload();
  await page.locator('.warnings li').first().waitFor();
  await until(rows, ['River flood, yellow level, in Haibin']);
  await page.getByRole('button', { name: 'Dismiss: River flood, yellow level, in Haibin' }).click();
  await page.getByLabel('Reason').or(page.locator('form.boxed input')).first().fill('The gauge is being cleaned.');
  await page.locator('form.boxed button.main').click();
  await page.getByText('No longer suggested.').waitFor();
  await until(() => mock.warned.suggestions.length, 1);
});

const PAGES = ['warnings', 'warnings/21', 'warnings/19', 'warnings/new?suggestion=7', 'warnings/new?update=21'];
for (const [lang, theme] of [['en', 'light'], ['zh-CN', 'dark'], ['zh-CN', 'light'], ['en', 'dark']])
  test(`axe and width: ${lang} ${theme}`, async (t) => {
    const { page } = await officer(t, { lang, theme, width: 390, height: 844 });
    for (const path of PAGES) {
      await page.open(path);
      await page.locator(path === 'warnings' ? '.warnings li' : path.includes('new') ? '#warning-inside ~ ul li' : 'ol li').first().waitFor();
      if (path.includes('suggestion')) {
        await page.getByRole('radio', { name: /^(Exercise|演练)$/ }).check();
        await page.getByRole('button', { name: /^(Draw an area|划定区域)$/ }).click();
        await page.waitForFunction(() => document.activeElement?.getAttribute('role') === 'application');
        await page.keyboard.press('Enter');
        await page.locator('.boxed tbody tr').waitFor();
      }
      await atWidths(page, path, [390, 1440]);
    }
  });
