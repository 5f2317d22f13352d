// A shift of the watch, as two persons go it in the browser: a call is logged
// in five fields without the mouse, the shift is handed over and taken over,
// and the morning brief is printed.
//
//   ANLAN_URL=http://127.0.0.1:8080 node e2e/duty.mjs
//
// The server must be a demo. It prints a line per step; the exit code is 0 when
// all was done. Pictures go to ANLAN_SHOTS, a folder, if that is set.

import assert from 'node:assert/strict';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { launch } from '../test/browser.mjs';
import { signIn } from './journey.mjs';

const PATIENCE = { step: 30_000 };

/** Signs, and tells whether it was taken. After a refusal the page has read anew what is to be signed. */
async function answered(page, button, done) {
  const response = (method, end) => page.waitForResponse((r) => r.request().method() === method && end.test(new URL(r.url()).pathname));
  const reread = response('GET', /\/handovers\/\d+$/);
  reread.catch(() => {}); // told when it is waited for
  const [res] = await Promise.all([response('POST', /\/handovers\/\d+\/(leave|arrive)$/), page.getByRole('button', { name: button }).click()]);
  if (res.ok()) await done.waitFor();
  else await reread;
  return res.ok();
}

export async function shift({ url, browser, log = console.log, shots = '', overtake = null, checked = async () => {} }) {
  const started = Date.now();
  let n = 0;
  const step = async (text, page) => {
    n++;
    log(`step=${n} t=${((Date.now() - started) / 1000).toFixed(1)}s ${text}`);
    if (page) await checked(page);
    if (shots && page) await page.screenshot({ path: path.join(shots, `duty-${String(n).padStart(2, '0')}.png`), fullPage: true });
  };
  const first = await signIn(browser, url, 'Continue as demo duty officer', PATIENCE);
  try {
    const { page } = first;
    page.setDefaultTimeout(PATIENCE.step);
    await page.goto(`${url}/console/duty`);
    await page.getByRole('heading', { name: 'A call has come in' }).waitFor();
    await page.getByRole('list').first().waitFor();

    // From here to the end of the call no mouse: Tab, letters, arrows, Enter.
    const begun = Date.now();
    const keys = page.keyboard;
    await page.getByRole('main').focus();
    const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.getAttribute('name') || document.activeElement?.textContent?.trim() || '');
    const tabTo = async (id) => {
      for (let i = 0; i < 20; i++) {
        await keys.press('Tab');
        if ((await focused()) === id) return;
      }
      assert.fail(`Tab never came to ${id}`);
    };
    await tabTo('call-at'); // 1: when, left at now
    await tabTo('caller'); // 2: who: a resident
    assert.equal(await page.evaluate(() => document.activeElement.value), 'resident');
    await tabTo('call-where'); // 3
    await keys.type('Fish market, north gate');
    await tabTo('call-what'); // 4
    await keys.type('Strong smell of gas, two stalls cleared');
    await tabTo('call-harm'); // 5
    await keys.type('one person dizzy');
    await tabTo('call-grade');
    await keys.type('Maj');
    await tabTo('call-contact');
    await keys.type('Zhou, 6288 1234');
    await keys.press('Control+Enter');
    const logged = page.getByText(/Logged; case \d+ is open/);
    await logged.first().waitFor();
    const caseId = Number(/case (\d+) is open/.exec(await logged.first().innerText())[1]);
    const seconds = (Date.now() - begun) / 1000;
    await step(`call logged by keyboard in ${seconds.toFixed(1)} s, case ${caseId} opened`, page);

    const log24 = page.getByRole('region', { name: 'Phone log, last 24 hours' });
    await log24.getByText('Strong smell of gas, two stalls cleared').first().waitFor();
    const up = page.getByRole('region', { name: 'Reports upward' });
    await up.getByText('First report by telephone').first().waitFor();
    await step('its reports upward run', page);

    // A first report: drafted, signed, told.
    await up.getByRole('button', { name: `Draft: First report by telephone, case ${caseId}` }).click();
    const text = page.getByRole('textbox', { name: 'Text' });
    await text.waitFor();
    assert.match(await text.inputValue(), /Fish market, north gate/);
    assert.match(await text.inputValue(), /one person dizzy/);
    await page.getByRole('button', { name: 'Version 1 was told' }).click();
    await page.getByRole('region', { name: 'Whom it was told', exact: true }).first().waitFor();
    await text.fill((await text.inputValue()) + '\nThe gas company is on its way.');
    await page.getByRole('button', { name: 'Save as a new version' }).click();
    await page.getByRole('button', { name: 'Sign version 2' }).click();
    await page.getByText(/Version 2 signed by/).waitFor();
    await step('first report told by telephone, its second version signed', page);

    // The duty phones, two keystrokes away.
    await page.getByRole('heading', { level: 1 }).click();
    await keys.press('d');
    await page.getByRole('dialog', { name: 'Duty phones' }).waitFor();
    await step('duty phones', page);
    await keys.press('Escape');

    // The leaving officer.
    await page.goto(`${url}/console/duty`);
    await page.getByRole('button', { name: 'Begin to hand over' }).or(page.getByRole('link', { name: 'Go on' })).first().click();
    await page.getByRole('heading', { level: 1, name: 'Handover' }).waitFor();
    const item = page.getByRole('listitem').filter({ hasText: 'Fish market' }).first();
    await item.waitFor();
    await item.getByRole('button', { name: /^(Remark|Change the remark): / }).click();
    await page.getByRole('textbox', { name: 'Remark', exact: true }).fill('The gas company has the keys.');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('The gas company has the keys.').waitFor();
    await step('handover drafted, one remark', page);
    const id = /handovers\/(\d+)/.exec(page.url())[1];
    const leave = async () => {
      for (let i = 0; i < 5; i++) {
        const signed = page.getByText('The leaving officer has signed. Another person takes over.');
        if (await answered(page, 'Sign: I hand over', signed)) return i;
      }
      assert.fail('never signed');
    };
    if (overtake) await overtake(page, id);
    const again = await leave();
    if (overtake) assert.ok(again > 0, 'what came meanwhile must hold the signature up');
    assert.equal(await page.getByRole('button', { name: 'Sign: I take over' }).count(), 0, 'nobody takes over from himself');
    await step(`the leaving officer has signed${again ? `, after ${again} refusals for what was new` : ''}`, page);

    // The arriving one.
    const second = await signIn(browser, url, 'Continue as second officer', PATIENCE);
    try {
      const other = second.page;
      other.setDefaultTimeout(PATIENCE.step);
      await other.goto(`${url}/console/duty`);
      await other.getByRole('link', { name: 'Go on' }).click();
      await other.getByText('The gas company has the keys.').waitFor();
      for (let i = 0; ; i++) {
        assert.ok(i < 5, 'never taken over');
        if (await answered(other, 'Sign: I take over', other.getByText('Handed over and taken over. What was signed cannot be changed.'))) break;
      }
      assert.match(await other.getByText(/^[0-9a-f]{64}$/).innerText(), /^[0-9a-f]{64}$/);
      await step('the arriving officer has taken over', other);
    } finally {
      await second.context.close();
    }

    // The brief, in both languages; each figure leads to its rows.
    const sheet = await first.context.newPage();
    for (const [lang, title] of [['zh-CN', '值班日报'], ['en', 'Morning brief of the watch']]) {
      await sheet.goto(`${url}/api/v1/watch/brief?lang=${lang}`);
      await sheet.getByRole('heading', { level: 1, name: new RegExp(title) }).waitFor();
      await step(`brief ${lang}`, sheet);
    }
    const pdf = await sheet.pdf({ format: 'A4' });
    const pages = pdf.toString('latin1').match(/\/Type\s*\/Page[^s]/g).length;
    assert.equal(pages, 1, 'the brief is one page');
    const figure = sheet.locator('#h-incidents + table').getByRole('link').first();
    const count = Number(await figure.innerText());
    await figure.click();
    await sheet.getByRole('heading', { level: 1, name: 'Rows behind the figure' }).waitFor();
    await sheet.getByRole('table').waitFor();
    assert.equal(await sheet.getByRole('row').count(), count + 1, 'a figure is the count of its rows');
    await step(`brief is one page of A4; its figure ${count} leads to ${count} rows`, sheet);
    assert.deepEqual(first.foreign, [], 'no request leaves the host');
    return { caseId, seconds };
  } finally {
    await first.context.close();
  }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const browser = await launch();
  try {
    const done = await shift({ url: process.env.ANLAN_URL ?? 'http://127.0.0.1:8080', browser, shots: process.env.ANLAN_SHOTS ?? '' });
    console.log(`case=${done.caseId} call_s=${done.seconds.toFixed(1)}`);
  } finally {
    await browser.close();
  }
}
