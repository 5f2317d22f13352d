// Debian's Chromium, driven by path: nothing is downloaded.

import { chromium } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS });
}

/** A page as a certain reader has it. */
export async function reader(browser, { lang = 'en', theme = 'light', width = 1440, height = 900 } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, locale: lang, timezoneId: 'Europe/Lisbon', colorScheme: theme, reducedMotion: 'reduce' });
  context.setDefaultTimeout(15_000);
  await context.addInitScript(([l, th]) => localStorage.getItem('anlan.prefs') ?? localStorage.setItem('anlan.prefs', JSON.stringify({ lang: l, theme: th })), [lang, theme]);
  return context;
}
