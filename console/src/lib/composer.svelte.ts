// The warning that is being composed: its draft, what the server makes of it
// (filled texts, what lies inside, whether it could be published), and where it
// is kept while the page is away.

import { ApiError, get, post } from './api.ts';
import { app } from './app.svelte.ts';
import { desk } from './desk.svelte.ts';
import { explain } from './form.svelte.ts';
import type { Inside } from './inside.ts';
import { blank, draftKey, FILLED, fill, following, newDraft, nowhere, place, proposal, readDraft, textFor, valueOf, type Draft, type Filled, type FilledText, type PackText, type Suggestion } from './warning.ts';
import type { Alert, Asset, Hazard, Level, LocalText, Page, Warning } from './types.ts';

/** What the server says of a proposal before anybody proposes it. */
interface Judgement {
  cap?: string;
  second_person?: boolean;
}
interface DraftAnswer extends FilledText {
  second_person?: boolean;
}

export class Composer {
  d: Draft = $state(newDraft(app.serverNow(), app.zone));
  hazards = $state.raw<Hazard[]>([]);
  texts = $state.raw<PackText[]>([]);
  /** The warning in force that this follows. */
  base = $state.raw<Warning | null>(null);
  suggestion = $state.raw<Suggestion | null>(null);
  alert = $state.raw<Alert | null>(null);
  /** Names and points of the assets around which it lies. */
  assets = $state.raw<Record<number, Pick<Asset, 'id' | 'name' | 'point'>>>({});
  inside = $state.raw<Inside | null>(null);
  insideError = $state('');
  judged = $state.raw<Judgement | null>(null);
  second = $state<boolean | undefined>(undefined);
  /** What the server would refuse, shown at its field before it is asked in earnest. */
  early = $state.raw<ApiError | null>(null);
  loading = $state(true);
  error = $state('');
  /** It was kept from an earlier look at this page. */
  restored = $state(false);
  filling = $state(false);

  #key = '';
  #query: URLSearchParams;
  /** The area of the alert, until its district is chosen. */
  #districtOf = 0;
  #round = { fill: 0, inside: 0, judge: 0, texts: 0 };
  /** It has been proposed. */
  #over = $state(false);
  /** The texts of the hazard, while they are fetched. */
  #texts: Promise<void> = Promise.resolve();
  /** The choice that the words were last filled for. */
  #filled = '';

  /** Call in a component's script: it lives as long as the component. */
  constructor(query: URLSearchParams) {
    this.#query = query;
    this.#key = draftKey(query);
    void this.#begin();
    $effect(() => {
      if (this.loading || this.#over) return;
      const text = JSON.stringify(this.d);
      try {
        sessionStorage.setItem(this.#key, text);
      } catch {
        // No storage: the draft lasts for this page.
      }
    });
    // The areas may come after the alert.
    $effect(() => {
      if (this.loading || !this.#districtOf || !desk.districts.length) return;
      const district = desk.districts.find((x) => desk.within(this.#districtOf, x.id));
      this.#districtOf = 0;
      if (district && nowhere(this.d)) this.d.areas = [district.id];
    });
    const hazard = $derived(this.d.hazard);
    $effect(() => {
      this.#texts = this.#loadTexts(hazard);
    });
    this.#after(250, () => this.#fills, () => void (this.#fills !== this.#filled && this.refill()));
    this.#after(300, () => !this.loading && JSON.stringify(place(this.d)), () => this.#look());
    this.#after(500, () => !this.loading && this.complete && JSON.stringify(proposal(this.d, app.zone)), () => this.#judge());
  }

  /** Whether all that is needed is written, so that the server can judge it. */
  get complete(): boolean {
    return !!this.d.level && !!this.d.hazard && !nowhere(this.d) && FILLED.every((f) => valueOf(this.d, f).trim() && !blank(valueOf(this.d, f)));
  }

  get hazard(): Hazard | undefined {
    return this.hazards.find((h) => h.id === this.d.hazard);
  }

  /** Warnings of the weather service and its like are relayed, never composed. */
  get composable(): Hazard[] {
    return this.hazards.filter((h) => !h.relayed_from);
  }

  /** The choice that a text is filled for; none where no text is chosen, or all is in the officer's words. */
  get #fills(): string {
    const { hazard, text, level, touched } = this.d;
    if (this.loading || this.#over || !hazard || !text || !level || touched.length >= FILLED.length) return '';
    return this.#choice;
  }

  get #choice(): string {
    const { hazard, text, level } = this.d;
    return JSON.stringify([hazard, text, level, place(this.d)]);
  }

  #after(ms: number, key: () => string | false, run: () => void): void {
    // Only another key is another question: the draft is replaced as a whole by each answer.
    const asked = $derived(key());
    $effect(() => {
      if (!asked) return;
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    });
  }

  async #begin(): Promise<void> {
    const id = (k: string) => Number(/^\d+$/.exec(this.#query.get(k) ?? '')?.[0] ?? 0);
    try {
      const hazards = get<Page<Hazard>>('/warnings/hazards').then(({ items }) => (this.hazards = items));
      const [suggestion, alert] = [id('suggestion'), id('alert')];
      if (suggestion) {
        const { items } = await get<Page<Suggestion>>('/warnings/suggestions');
        this.suggestion = items.find((s) => s.id === suggestion) ?? null;
        if (!this.suggestion) throw new ApiError(404, { code: 'warning.unknown' });
      }
      const s = this.suggestion;
      const update = s && s.kind !== 'issue' ? (s.warning ?? 0) : id('update');
      if (update) this.base = await get<Warning>(`/warnings/${update}`);
      const from = s?.alerts[0]?.alert ?? alert;
      if (from) this.alert = await get<Alert>(`/alerts/${from}`);
      await hazards;
      const fresh = this.#fresh();
      const kept = this.#kept(fresh);
      this.restored = !!kept;
      if (kept) this.#districtOf = 0;
      this.d = kept ?? fresh;
      // What is suggested is filled for its own place: the officer proposes the words that he read.
      if (!kept && this.suggestion?.draft && !this.base) this.#filled = this.#choice;
      for (const a of this.d.around) await this.know(a.asset);
      this.error = '';
    } catch (err) {
      this.error = explain(err);
    } finally {
      this.loading = false;
    }
  }

  #fresh(): Draft {
    const now = app.serverNow();
    const s = this.suggestion;
    const d = this.base ? following(this.base, now, app.zone) : newDraft(now, app.zone);
    if (s) {
      // What is suggested is filled already; a change of what is in force keeps where that holds.
      const around = (s.around ?? []).map(({ asset, metres }) => ({ asset, metres }));
      const where = this.base ? {} : { around, areas: around.length ? [] : s.areas.filter((a) => a.id).map((a) => a.id) };
      return fill({ ...d, ...where, level: s.level, status: s.draft?.status ?? d.status, hazard: s.hazard, text: s.text, alert: s.alerts[0]?.alert ?? 0, suggestion: s.id, touched: [] }, s.draft ?? {}, app.zone);
    }
    if (this.base) return d;
    const a = this.alert;
    if (!a) return d;
    this.#districtOf = a.area ?? 0;
    return { ...d, level: a.level === 'none' ? '' : (a.level as Level), areas: [], alert: a.id };
  }

  #kept(fresh: Draft): Draft | null {
    try {
      const kept = readDraft(sessionStorage.getItem(this.#key), fresh);
      return kept && JSON.stringify(kept) !== JSON.stringify(fresh) ? kept : null;
    } catch {
      return null;
    }
  }

  /** Throws away what was kept, and begins again. */
  again(): void {
    this.restored = false;
    this.early = null;
    this.d = this.#fresh();
    this.#filled = this.suggestion?.draft && !this.base ? this.#choice : '';
  }

  /** It has been proposed: nothing is kept of it. */
  done(): void {
    this.#over = true;
    try {
      sessionStorage.removeItem(this.#key);
    } catch {
      // Nothing was kept.
    }
  }

  async #loadTexts(hazard: string): Promise<void> {
    const round = ++this.#round.texts;
    if (!hazard) {
      this.texts = [];
      return;
    }
    try {
      const { items } = await get<Page<PackText>>('/warnings/texts', { hazard });
      if (round !== this.#round.texts) return;
      this.texts = items;
      if (!this.base) this.pickText(); // what is in force has its words already
    } catch {
      if (round === this.#round.texts) this.texts = []; // without texts, officers write
    }
    if (round === this.#round.texts && !this.texts.length) this.instruct();
  }

  /** The text that is written for the level takes the place of one that is not. */
  pickText(): void {
    const id = textFor(this.texts, this.d.text, this.d.level);
    if (id !== this.d.text) this.d.text = id;
  }

  /** At once, and where there are no texts of a pack: what the hazard's own words tell people to do. */
  instruct(): void {
    this.#filled = '';
    const h = this.hazard?.instruction;
    if (h) this.d = fill(this.d, { instruction: h }, app.zone);
  }

  /**
   * Whoever proposes may be faster than the server: what a text has yet to fill is filled first, so that nobody proposes
   * the words of the choice before. Returns what the server refuses.
   */
  async settle(): Promise<ApiError | null> {
    await this.#texts;
    while (this.#fills && this.#fills !== this.#filled) if (!(await this.refill())) return this.early;
    return null;
  }

  /** Has the server fill the text, and takes what the officer has not changed; `anew` are those that he gives up. False when it is refused. */
  async refill(anew: readonly Filled[] = []): Promise<boolean> {
    const { hazard, text, level, alert } = this.d;
    if (!hazard || !text || !level) return true;
    // Given up at once: an answer that overtakes this one fills them, too.
    if (anew.length) {
      this.d.touched = this.d.touched.filter((f) => !anew.includes(f));
      this.#filled = '';
    }
    const round = ++this.#round.fill;
    const asked = this.#fills;
    this.filling = true;
    try {
      const got = await post<DraftAnswer>('/warnings/draft', { hazard, text, level, ...place(this.d), ...(alert ? { alert } : {}) });
      if (round !== this.#round.fill) return true;
      this.d = fill(this.d, got, app.zone);
      this.#filled = asked;
      if (got.second_person !== undefined) this.second = got.second_person;
      this.early = null;
      return true;
    } catch (err) {
      if (round !== this.#round.fill) return true;
      this.early = asError(err);
      return false;
    } finally {
      if (round === this.#round.fill) this.filling = false;
    }
  }

  async #look(): Promise<void> {
    const round = ++this.#round.inside;
    if (nowhere(this.d)) {
      this.inside = null;
      this.insideError = '';
      return;
    }
    try {
      const got = await post<Inside>('/warnings/inside', place(this.d));
      if (round !== this.#round.inside) return;
      this.inside = got;
      this.insideError = '';
    } catch (err) {
      if (round !== this.#round.inside) return;
      this.inside = null;
      this.insideError = explain(err);
    }
  }

  async #judge(): Promise<void> {
    const round = ++this.#round.judge;
    const p = proposal(this.d, app.zone);
    if (!p) return;
    try {
      const got = await post<Judgement>('/warnings/preview', p);
      if (round !== this.#round.judge) return;
      this.judged = got;
      if (got.second_person !== undefined) this.second = got.second_person;
      this.early = null;
    } catch (err) {
      if (round !== this.#round.judge) return;
      this.judged = null;
      this.early = asError(err);
    }
  }

  /** The officer has written a field: from now on no text takes its place. */
  touch(f: Filled): void {
    if (!this.d.touched.includes(f)) this.d.touched = [...this.d.touched, f];
  }

  async know(id: number): Promise<void> {
    if (this.assets[id]) return;
    try {
      const a = await get<Asset>(`/assets/${id}`);
      this.assets = { ...this.assets, [id]: a };
    } catch {
      this.assets = { ...this.assets, [id]: { id, name: String(id), point: null } };
    }
  }

  eventName(): LocalText | null {
    return this.hazard?.event ?? this.base?.event ?? null;
  }
}

function asError(err: unknown): ApiError {
  return err instanceof ApiError ? err : new ApiError(0, { detail: String(err) });
}
