// The operations desk's data: four lists that stay still under the hand, the
// areas and assets that the map draws, and the one filter over both.

import { get } from './api.ts';
import { app, t, text, type News } from './app.svelte.ts';
import { explain } from './form.svelte.ts';
import { Batch, empty, load, merge, put, settle, type Feed, type Item } from './feed.ts';
import { matches, NOTHING, tiers } from './geo.ts';
import { Crier, flood, news, rests, urgent, waits } from './alarm.ts';
import { byForce, headline, type Partner, type Received } from './partners.ts';
import { byLevel, LEVEL_WORD, worst } from './scales.ts';
import type { Filter, Tab } from './router.ts';
import type { Alert, Area, Case, Page, Place, Report, Warning } from './types.ts';

interface Items {
  alerts: Alert;
  cases: Case;
  reports: Report;
  warnings: Warning;
}

/** One page of a listing. */
const LIMIT: Record<Tab, number> = { alerts: 500, cases: 500, reports: 500, warnings: 200 };
/** As many pages of open alerts are read. */
const ALERT_PAGES = 6;
/** Places come in pages; this many pages are drawn. */
const PLACE_PAGES = 10;

const newest = (a: string | null | undefined, b: string | null | undefined) => Date.parse(b ?? '') - Date.parse(a ?? '') || 0;

export const ORDER: { [K in Tab]: (a: Items[K], b: Items[K]) => number } = {
  alerts: (a, b) => urgent(a, b) || newest(a.since, b.since),
  // The nearest deadline first; what has none, last; what is closed, after that.
  cases: (a, b) =>
    Number(!!a.closed_at) - Number(!!b.closed_at) || Number(!a.due_at) - Number(!b.due_at) || newest(b.due_at, a.due_at) || newest(a.opened_at, b.opened_at),
  reports: (a, b) => newest(a.received_at, b.received_at),
  // A warning that waits for its second officer is the most urgent of all.
  warnings: (a, b) =>
    Number(b.state === 'proposed') - Number(a.state === 'proposed') ||
    Number(b.state === 'issued') - Number(a.state === 'issued') ||
    byLevel(a.level, b.level) ||
    newest(a.sent ?? a.onset, b.sent ?? b.onset),
};

class Desk {
  alerts: Feed<Alert> = $state.raw(empty());
  cases: Feed<Case> = $state.raw(empty());
  reports: Feed<Report> = $state.raw(empty());
  warnings: Feed<Warning> = $state.raw(empty());
  /** Warnings of other services that are in force here, and whose they are. */
  relayed: Received[] = $state.raw([]);
  partners: Partner[] = $state.raw([]);
  loaded: Record<Tab, boolean> = $state({ alerts: false, cases: false, reports: false, warnings: false });
  failed: Record<Tab, string> = $state({ alerts: '', cases: '', reports: '', warnings: '' });
  areas: Area[] = $state.raw([]);
  assets: GeoJSON.FeatureCollection = $state.raw(NOTHING);
  roads: GeoJSON.FeatureCollection = $state.raw(NOTHING);

  /** More alerts than a person can handle one by one. */
  flood = $derived(flood([...this.alerts.rows.filter((r) => !r.gone).map((r) => r.item), ...this.alerts.waiting], app.now));

  #crier = new Crier(
    (alerts, inFlood) => this.#cry(alerts, inFlood),
    (id) => this.find('alerts', id),
  );
  #scope: Filter['state'] = 'open';
  #tiers = $derived(tiers(this.areas));
  #byId = $derived(new Map(this.areas.map((a) => [a.id, a])));
  #batches: Record<Tab, Batch> = {
    alerts: new Batch(() => this.#fetch('alerts')),
    cases: new Batch(() => this.#fetch('cases')),
    reports: new Batch(() => this.#fetch('reports')),
    warnings: new Batch(() => this.#fetch('warnings')),
  };
  #mapBatch = new Batch(() => this.#fetchAssets(), 500, 5_000);
  #relayBatch = new Batch(() => this.#fetchRelayed());

  /** Begin to follow the city; the returned function stops it. */
  start(): () => void {
    for (const tab of ['alerts', 'cases', 'reports', 'warnings'] as const) void this.#fetch(tab);
    void this.#fetchAssets();
    void this.#fetchLand();
    void this.#fetchRelayed();
    const off = app.onNews((n) => this.#news(n));
    return () => {
      off();
      this.#mapBatch.stop();
      this.#relayBatch.stop();
      this.#crier.stop();
      for (const b of Object.values(this.#batches)) b.stop();
    };
  }

  /** Another set was asked for: the lists may be arranged anew. */
  async scope(s: Filter['state']): Promise<void> {
    if (s === this.#scope) return;
    this.#scope = s;
    await Promise.all((['alerts', 'cases', 'reports', 'warnings'] as const).map((tab) => this.#fetch(tab, true)));
  }

  refresh(tab: Tab): Promise<void> {
    return this.#fetch(tab);
  }

  settle<K extends Tab>(tab: K): void {
    this.#set(tab, settle(this.#get(tab), ORDER[tab] as never));
  }

  put<K extends Tab>(tab: K, item: Items[K]): void {
    this.#set(tab, put(this.#get(tab), item as never));
  }

  find<K extends Tab>(tab: K, id: number): Items[K] | undefined {
    const feed = this.#get(tab) as Feed<Items[K]>;
    return feed.rows.find((r) => r.item.id === id)?.item ?? feed.waiting.find((w) => w.id === id);
  }

  /** The name that people use: the district, and the town in it; never a cell. */
  areaName(id: number | null | undefined): string {
    const names: string[] = [];
    let at = id ?? 0;
    for (let i = 0; at && i < 10; i++) {
      const tier = this.#tiers.get(at) ?? -1;
      const a = this.#byId.get(at);
      if (a && (tier === 0 || tier === 1)) names.unshift(text(a.name));
      at = a?.parent ?? 0;
    }
    return names.join(app.lang === 'zh-CN' ? '' : ', ');
  }

  area(id: number | null | undefined): Area | undefined {
    return this.#byId.get(id ?? 0);
  }

  /** What a warning is for and what people choose by. */
  get districts(): Area[] {
    return this.areas.filter((a) => this.#tiers.get(a.id) === 0);
  }

  /** Districts, each followed by its towns; cells are too many to choose from. */
  get choices(): { area: Area; inner: boolean }[] {
    const holds = new Set(this.areas.map((a) => a.parent));
    return this.districts.flatMap((d) => [
      { area: d, inner: false },
      ...this.areas.filter((a) => a.parent === d.id && holds.has(a.id)).map((area) => ({ area, inner: true })),
    ]);
  }

  /** Whether an area is the other one or lies inside it. */
  within(area: number | null | undefined, outer: number): boolean {
    let up = area ?? 0;
    for (let i = 0; up && i < 10; i++) {
      if (up === outer) return true;
      up = this.#byId.get(up)?.parent ?? 0;
    }
    return false;
  }

  show<K extends Tab>(tab: K, item: Items[K], f: Filter): boolean {
    if (f.area && !this.#areasOf(item).some((a) => this.within(a, f.area))) return false;
    if (tab === 'alerts' && f.rest && (f.rest === 'rests') !== rests(item as Alert, app.now)) return false;
    const level = (item as Partial<Alert>).level;
    if (f.levels.length && tab !== 'reports' && !(level && level !== 'none' && f.levels.includes(level))) return false;
    return !f.q || matches(this.words(tab, item), f.q);
  }

  /** Those of the relayed warnings that a filter lets through. */
  relayedShown(f: Filter): Received[] {
    return this.relayed.filter(
      (r) =>
        (!f.area || r.placement === 'city' || (r.places ?? []).some((p) => (p.touches ?? []).some((a) => this.within(a, f.area) || this.within(f.area, a)))) &&
        (!f.levels.length || (!!r.level && f.levels.includes(r.level))) &&
        (!f.q || matches([...Object.values(r.texts ?? {}).flatMap((w) => [w.headline, w.event, w.issuer]), text(this.partners.find((p) => p.id === r.partner)?.title)].join(' '), f.q)),
    );
  }

  words<K extends Tab>(tab: K, item: Items[K]): string {
    switch (tab) {
      case 'alerts': {
        const a = item as Alert;
        return [a.id, text(a.title), text(a.asset_name), text(a.place_name ?? a.place), text(a.because), this.areaName(a.area), a.works?.reason, a.shelf?.reason].join(' ');
      }
      case 'cases': {
        const c = item as Case;
        return [c.id, text(c.kind_title), text(c.title), text(c.state_title), text(c.owner_name), text(c.asset_name), text(c.place_name ?? c.place)].join(' ');
      }
      case 'reports': {
        const r = item as Report;
        return [r.number, r.category, text(r.category_title), r.text, this.areaName(r.area)].join(' ');
      }
      default: {
        const w = item as Warning;
        return [w.number, text(w.headline), text(w.event), w.hazard, ...w.areas.map((a) => text(a.name))].join(' ');
      }
    }
  }

  #areasOf(item: object): (number | null | undefined)[] {
    const w = item as { areas?: { id: number }[]; area?: number | null };
    return w.areas ? w.areas.map((a) => a.id) : [w.area];
  }

  #get<K extends Tab>(tab: K): Feed<Item & Items[K]> {
    return this[tab] as unknown as Feed<Item & Items[K]>;
  }

  #set(tab: Tab, feed: unknown): void {
    (this as Record<Tab, unknown>)[tab] = feed;
  }

  async #fetch<K extends Tab>(tab: K, anew = false): Promise<void> {
    const all = this.#scope === 'all';
    const state = all ? 'all' : 'open';
    try {
      let items: Items[K][];
      if (tab === 'warnings' && !all) {
        // What is proposed is as much a duty officer's business as what is in
        // force, and the API keeps the two apart.
        const [active, draft] = await Promise.all([
          get<Page<Items[K]>>('/warnings', { state: 'active', limit: LIMIT.warnings }),
          get<Page<Items[K]>>('/warnings', { state: 'draft', limit: LIMIT.warnings }),
        ]);
        const seen = new Map([...(active.items ?? []), ...(draft.items ?? [])].map((w) => [w.id, w]));
        items = [...seen.values()];
      } else {
        items = await this.#pages<Items[K]>(tab, state);
      }
      if (all !== (this.#scope === 'all')) return; // overtaken by another choice
      const order = ORDER[tab] as never;
      const before = this.#get(tab);
      const next = anew || !this.loaded[tab] ? load(items as never[], order) : merge(before as never, items as never[], order);
      this.#set(tab, next);
      if (this.loaded[tab] && !anew) this.#announce(tab, before as never, next as never);
      this.loaded[tab] = true;
      this.failed[tab] = '';
      app.confirmed();
    } catch (err) {
      this.failed[tab] = explain(err);
    }
  }

  /** In a flood one page of alerts is not all of them, and the worst may be the oldest. */
  async #pages<T>(tab: Tab, state: string): Promise<T[]> {
    const items: T[] = [];
    let after: string | number | undefined;
    for (let n = 0; n < (tab === 'alerts' && state === 'open' ? ALERT_PAGES : 1); n++) {
      const page = await get<Page<T>>('/' + tab, { state, limit: LIMIT[tab], after });
      items.push(...(page.items ?? []));
      if (!page.next) break;
      after = page.next;
    }
    return items;
  }

  /** Only what was not known a moment ago is news. */
  #announce(tab: Tab, before: Feed<Item>, next: Feed<Item>): void {
    const known = new Map([...before.rows.filter((r) => !r.gone).map((r) => r.item), ...before.waiting].map((i) => [i.id, i]));
    const all = [...next.waiting, ...next.rows.filter((r) => !r.gone).map((r) => r.item)];
    if (tab === 'alerts') {
      const { calls, known: noted, resting } = news(known as Map<number, Alert>, all as Alert[], app.now);
      if (calls.length > 0) this.#crier.hear(calls, this.flood !== null);
      else if (this.flood) return; // there is enough to listen to
      else if (noted.length > 0) app.say(t('say.alerts.known', { n: noted.length }));
      else if (resting.length > 0) app.say(t('say.alerts.rest', { n: resting.length }));
      return;
    }
    const n = all.filter((i) => !known.has(i.id)).length;
    if (n === 0) return;
    if (tab === 'cases') app.say(t('say.cases', { n }));
    else if (tab === 'reports') app.say(t('say.reports', { n }));
    else app.say(t('say.warnings', { n }));
  }

  #cry(alerts: Alert[], inFlood: boolean): void {
    const level = worst(alerts.map((a) => a.level));
    const first = alerts.find((a) => a.level === level) ?? alerts[0]!;
    const what = { title: text(first.title), where: text(first.asset_name) || this.areaName(first.area) };
    // A sound that has to wait is for what still needs somebody then.
    const still = () => alerts.some((a) => a.level === 'red' && waits(this.find('alerts', a.id) ?? a));
    if (inFlood) app.say(t('say.flood', { n: alerts.length, level: t(LEVEL_WORD[first.level]), ...what }), level === 'red', still);
    else if (level === 'red') app.say(t('say.red', what), true, still);
    else app.say(t('say.alerts', { n: alerts.length }));
  }

  #news(n: News): void {
    const room = n.subject.split('.')[0] ?? '';
    if (room === 'console') {
      for (const b of Object.values(this.#batches)) b.call();
      this.#mapBatch.call();
      this.#relayBatch.call();
      return;
    }
    if (room === 'alert') {
      this.#batches.alerts.call();
      this.#batches.cases.call(); // an alert may open a case
      this.#mapBatch.call();
    } else if (room === 'case' || room === 'task' || room === 'finding') {
      this.#batches.cases.call();
      this.#batches.alerts.call(); // and an alert shows its case
    } else if (room === 'report') {
      this.#batches.reports.call();
    } else if (room === 'relay') {
      this.#relayBatch.call();
    } else if (room === 'warning') {
      this.#batches.warnings.call();
    } else if (room === 'asset' || room === 'city' || room === 'datastream') {
      this.#mapBatch.call();
    }
  }

  #relaysKnown: Set<number> | null = null;
  async #fetchRelayed(): Promise<void> {
    try {
      const [force, who] = await Promise.all([get<Page<Received>>('/warnings/received', { state: 'in-force', limit: 200 }), get<Page<Partner>>('/warnings/partners')]);
      this.partners = who.items ?? [];
      this.relayed = (force.items ?? []).toSorted((a, b) => byLevel(a.level || null, b.level || null) || byForce(a, b));
      const fresh = this.relayed.filter((r) => this.#relaysKnown && !this.#relaysKnown.has(r.id));
      if (fresh.length) app.say(t('say.relayed', { n: fresh.length, title: headline(fresh[0]!, app.lang) }));
      this.#relaysKnown = new Set(this.relayed.map((r) => r.id));
    } catch {
      // Others' warnings are an addition: ours go on without them.
    }
  }

  async #fetchAssets(): Promise<void> {
    try {
      this.assets = await get<GeoJSON.FeatureCollection>('/assets.geojson');
    } catch {
      // The map keeps what it had; the badge tells how old that is.
    }
  }

  async #fetchLand(): Promise<void> {
    try {
      const { items } = await get<Page<Area>>('/areas');
      this.areas = items;
    } catch {
      // Without areas the lists still work.
    }
    try {
      // Roads, rivers and the coast are places with a line or a surface.
      const features: GeoJSON.Feature[] = [];
      let after: string | number | undefined;
      for (let n = 0; n < PLACE_PAGES; n++) {
        const page = await get<Page<Place>>('/places', { limit: 1000, after });
        for (const p of page.items ?? []) {
          if (p.geometry && p.geometry.type !== 'Point') features.push({ type: 'Feature', id: p.id, geometry: p.geometry, properties: { id: p.id, kind: p.kind ?? '' } });
        }
        if (!page.next) break;
        after = page.next;
      }
      this.roads = { type: 'FeatureCollection', features };
    } catch {
      // Places are an addition to the picture.
    }
  }
}

export const desk = new Desk();
