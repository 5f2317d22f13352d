// What every page shares: who is signed in, which page is open, what the
// reader prefers, whether the live stream flows, and what is said aloud.

import { ApiError, BASE, del, get, post } from './api.ts';
import { local, number, precise, translate, who as whoIs, type Key, type Params } from './i18n.ts';
import { person } from './words.ts';
import { Live, type LiveState } from './live.ts';
import { read, STORE_KEY, type Prefs } from './prefs.ts';
import { parse, PREFIX, type Route } from './router.ts';
import { bell } from './sound.ts';
import type { Shade } from './theme.ts';
import { ServerClock } from './time.ts';
import type { Lang, LocalText, Session, Who } from './types.ts';

/** An event of the live stream, its payload decoded. */
export interface News {
  subject: string;
  data: Record<string, unknown>;
}

/** Relative times are redrawn this often; the header's clock has its own. */
const TICK = 5_000;

class App {
  prefs: Prefs = $state(read(stored(), navigator.languages));
  route: Route = $state.raw(parse(new URL(location.href)));
  session: Session | null = $state.raw(null);
  signedIn: 'unknown' | 'yes' | 'no' | 'offline' = $state('unknown');
  /** Whether this server offers to sign a visitor in as a demo officer. */
  demo = $state(false);
  live: LiveState = $state('connecting');
  /** The last moment at which what is shown was known to be current. */
  dataAt: Date | null = $state.raw(null);
  now: Date = $state.raw(new Date());
  polite = $state('');
  assertive = $state('');
  toast = $state('');
  helpOpen = $state(false);
  shade: Shade = $state(document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light');

  #clock = new ServerClock();
  #live: Live | null = null;
  #listeners = new Set<(n: News) => void>();
  #toastTimer: ReturnType<typeof setTimeout> | undefined;

  get lang(): Lang {
    return this.prefs.lang;
  }

  get zone(): string {
    return this.session?.city.time_zone || 'Asia/Shanghai';
  }

  get cityName(): string {
    return local(this.session?.city.name, this.lang);
  }

  serverNow(): Date {
    return this.#clock.now();
  }

  start(): void {
    addEventListener('popstate', () => this.#follow());
    document.addEventListener('click', (e) => this.#click(e));
    addEventListener('online', () => this.#live?.retryNow());
    setInterval(() => (this.now = this.serverNow()), TICK);
    void this.refreshSession();
  }

  async refreshSession(): Promise<void> {
    try {
      this.session = await get<Session>('/session');
      this.demo = this.session.demo;
      this.signedIn = 'yes';
      this.#openLive();
    } catch (err) {
      this.session = null;
      if (err instanceof ApiError && err.status === 401) {
        this.demo = await get<{ demo: boolean }>('/session/demo').then(
          (d) => d.demo,
          () => false,
        );
        this.signedIn = 'no';
      } else {
        this.signedIn = 'offline';
      }
      this.#closeLive();
    }
  }

  async signIn(path: string, body: Record<string, unknown>): Promise<void> {
    await post(path, body);
    await this.refreshSession();
  }

  async signOut(): Promise<void> {
    try {
      await del('/session');
    } catch (err) {
      if (!(err instanceof ApiError)) throw err; // already signed out, or cut: the next request tells
    }
    this.#closeLive();
    this.session = null;
    await this.refreshSession();
    this.go(PREFIX);
  }

  onNews(fn: (n: News) => void): () => void {
    this.#listeners.add(fn);
    return () => this.#listeners.delete(fn);
  }

  /** What is on the screen was just confirmed by the server. */
  confirmed(): void {
    if (this.live !== 'cut') this.dataAt = this.serverNow();
  }

  go(href: string, replace = false): void {
    if (replace) history.replaceState(null, '', href);
    else history.pushState(null, '', href);
    this.#follow();
  }

  t = (key: Key, params?: Params): string => translate(this.lang, key, params);
  text = (v: LocalText | string | number | null | undefined): string => local(v, this.lang);
  num = (v: number): string => number(v, this.lang);
  /** A measured value of any kind. */
  measured = (v: number | string | boolean): string => (typeof v === 'number' ? precise(v, this.lang) : String(v));
  who = (v: Who): string => person(whoIs(v), this.t);

  save(change: Partial<Prefs>): void {
    Object.assign(this.prefs, change);
    try {
      localStorage.setItem(STORE_KEY, JSON.stringify(this.prefs));
    } catch {
      // No storage: the wish lasts for this page.
    }
  }

  /**
   * Said to a screen reader. Assertive is for red alerts and a dead stream, and
   * has the sound: if it must wait, only while `still` holds.
   */
  say(text: string, assertive = false, still: () => boolean = () => true): void {
    // Cleared first: the same sentence twice is news twice.
    if (assertive) {
      if (this.prefs.sound) bell.ring(() => this.prefs.sound && still());
      this.assertive = '';
      setTimeout(() => (this.assertive = text), 50);
    } else {
      this.polite = '';
      setTimeout(() => (this.polite = text), 50);
    }
  }

  /** Shown for a moment and said politely. */
  done(text: string): void {
    this.toast = text;
    this.say(text);
    clearTimeout(this.#toastTimer);
    this.#toastTimer = setTimeout(() => (this.toast = ''), 6_000);
  }

  #openLive(): void {
    if (this.#live) return;
    this.#live = new Live({
      url: BASE + '/live',
      onState: (s) => {
        const before = this.live;
        this.live = s;
        if (s === 'cut' && before !== 'cut') this.say(this.t('live.cut.say'), true, () => this.live === 'cut');
        if (s === 'live' && before === 'cut') {
          this.say(this.t('live.back.say'));
          this.#tell({ subject: 'console.resumed', data: {} });
        }
        if (s === 'signed-out') void this.refreshSession();
      },
      onEvent: (e) => {
        let data: Record<string, unknown> = {};
        try {
          data = JSON.parse(e.data) as Record<string, unknown>;
        } catch {
          return; // not ours; a broken event must not stop the stream
        }
        if (e.type === 'heartbeat') {
          if (typeof data.at === 'string') this.#clock.sample(data.at);
          this.dataAt = this.serverNow();
          this.now = this.serverNow();
          return;
        }
        this.confirmed();
        this.#tell({ subject: e.type === 'message' ? String(data.subject ?? '') : e.type, data });
      },
    });
    this.#live.start();
  }

  #closeLive(): void {
    this.#live?.stop();
    this.#live = null;
    this.live = 'connecting';
  }

  #tell(n: News): void {
    for (const fn of this.#listeners) fn(n);
  }

  #follow(): void {
    const before = this.route;
    this.route = parse(new URL(location.href));
    if (before.page !== this.route.page || before.id !== this.route.id) {
      // As a page load would: start at the top, with the focus on the page.
      requestAnimationFrame(() => {
        scrollTo(0, 0);
        document.querySelector<HTMLElement>('main')?.focus();
      });
    }
  }

  #click(e: MouseEvent): void {
    if (e.defaultPrevented || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    const a = (e.target as Element | null)?.closest?.('a');
    if (!a || a.target || a.hasAttribute('download') || a.origin !== location.origin || !a.pathname.startsWith(PREFIX)) return;
    if (a.hash && a.pathname === location.pathname) return;
    e.preventDefault();
    this.go(a.href);
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(STORE_KEY);
  } catch {
    return null;
  }
}

export const app = new App();
export const { t, text, num, measured, who } = app;
