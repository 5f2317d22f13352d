// Runs before the first paint, so that a night desk is not flashed white. It
// is its own file because the security policy allows no inline script. What it
// sets, src/lib/theme.ts keeps up to date afterwards.
(function () {
  var root = document.documentElement;
  var prefs = {};
  try {
    prefs = JSON.parse(localStorage.getItem('anlan.prefs') || '{}') || {};
  } catch (e) {
    // Blocked or broken storage: the system's theme is used.
  }
  var dark = prefs.theme === 'dark' || (prefs.theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  root.dataset.theme = dark ? 'dark' : 'light';
  if (prefs.lang === 'en' || prefs.lang === 'zh-CN') root.lang = prefs.lang;
})();
