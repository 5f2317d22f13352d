// The console's worker. It shows what the server pushes while no page is open,
// and opens the inbox on a press. It keeps nothing and answers no requests: the
// pages always come from the server.

self.addEventListener('install', (e) => e.waitUntil(self.skipWaiting()));
self.addEventListener('activate', (e) => e.waitUntil(self.clients.claim()));

self.addEventListener('push', (e) => e.waitUntil(show(e.data)));

async function show(data) {
  let m = {};
  try {
    m = data ? data.json() : {};
  } catch {
    // Not ours; a push that shows nothing would cost the permission.
  }
  const language = m.language || (navigator.language.startsWith('zh') ? 'zh-CN' : 'en');
  const say = (text) => (text && (text[language] || text.en || text['zh-CN'])) || '';
  await self.registration.showNotification(say(m.subject) || 'Anlan 安澜', {
    body: say(m.body),
    lang: language,
    icon: '/console/favicon.svg',
    // A later message of one thread takes the place of the one before, and so does a repeat of the same.
    tag: m.replaces || m.key || 'anlan',
    renotify: m.priority >= 2,
    requireInteraction: m.priority >= 3,
    data: { link: typeof m.link === 'string' && /^\/(console|warnings)\//.test(m.link) ? m.link : '/console/inbox' },
  });
}

self.addEventListener('notificationclick', (e) => {
  e.notification.close();
  e.waitUntil(open(new URL(e.notification.data.link, self.location.origin).href));
});

async function open(url) {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const page = pages.find((p) => p.url === url) ?? pages.find((p) => new URL(p.url).pathname === '/console/inbox');
  if (page) {
    await page.focus();
    if (page.url !== url) await page.navigate(url);
    return;
  }
  await self.clients.openWindow(url);
}
