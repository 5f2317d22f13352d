// Debian's Chromium, driven by path: nothing is downloaded.

import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { chromium } from 'playwright-core';

// The map is drawn by WebGL in software; pages are put together without it, which takes a fifth less of the processor.
const FLAGS = ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--disable-gpu-compositing', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

/** How long a test waits for what should come before it calls it lost, in ms: a bound against hanging, not a measure. */
const PATIENCE = 30_000;
/** ANLAN_SLOW=4: pages have a quarter of the processor, and the server is 4 × 50 ms away. What a test doesn't wait for shows then. */
const SLOW = Number(process.env.ANLAN_SLOW ?? 0);

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS });
}

/** A page as a certain reader has it. */
export async function reader(browser, { lang = 'en', theme = 'light', width = 1440, height = 900 } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: lang, timezoneId: 'Europe/Lisbon', colorScheme: theme, reducedMotion: 'reduce' });
  context.setDefaultTimeout(PATIENCE);
  await context.addInitScript(([l, th]) => localStorage.getItem('anlan.prefs') ?? localStorage.setItem('anlan.prefs', JSON.stringify({ lang: l, theme: th })), [lang, theme]);
  if (SLOW) {
    const open = context.newPage.bind(context);
    context.newPage = async () => {
      const page = await open();
      const cdp = await context.newCDPSession(page);
      await cdp.send('Emulation.setCPUThrottlingRate', { rate: SLOW });
      await cdp.send('Network.enable');
      await cdp.send('Network.emulateNetworkConditions', { offline: false, latency: SLOW * 50, downloadThroughput: -1, uploadThroughput: -1 });
      return page;
    };
  }
  return context;
}

/**
 * Reads until what is read is what is wanted: a value, or a pattern of a text. For what a page or the mock city comes to by
 * itself a moment after a deed; what is read last is what the failure shows.
 */
export async function until(read, wanted, message) {
  for (const end = Date.now() + PATIENCE; ; ) {
    const got = await read();
    if (wanted instanceof RegExp ? typeof got === 'string' && wanted.test(got) : isDeepStrictEqual(got, wanted)) return;
    if (Date.now() > end) return wanted instanceof RegExp ? assert.match(String(got), wanted, message) : assert.deepEqual(got, wanted, message);
    await new Promise((again) => setTimeout(again, 20));
  }
}

/** What has the focus. */
export const focused = (page) => page.evaluate(() => ({ id: document.activeElement?.id ?? '', tag: document.activeElement?.tagName.toLowerCase(), type: document.activeElement?.type ?? '', cls: document.activeElement?.className ?? '', text: document.activeElement?.textContent.trim() ?? '' }));
/** Waits until the focus is on the element of an id. */
export const focus = (page, id) => until(async () => (await focused(page)).id, id);

/** A browser that has a push service, which this machine has not. */
export async function withPush(context) {
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
